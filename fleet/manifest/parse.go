package manifest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"honk/fleet/strict"
)

// ReadFunc returns a file beside the manifest, by its clean relative path with
// slashes. It must not follow a link out of the manifest's directory.
type ReadFunc func(name string) ([]byte, error)

// Options is what Parse needs beside the bytes.
type Options struct {
	// Read reads the files that the manifest names; without it there are none.
	Read ReadFunc
	// AutoPrompt are the prompt shifts that the organisation's file lets
	// merge by themselves.
	AutoPrompt []string
}

// Parse reads a manifest. The error joins all problems, each a *task.Error of
// code invalid that begins with file and line.
func Parse(file string, data []byte, opts Options) (*Manifest, error) {
	m, report := Read(file, data, opts)
	if err := report.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// Read is Parse for those who want the problems one by one.
func Read(file string, data []byte, opts Options) (*Manifest, *strict.Report) {
	m := &Manifest{}
	report := strict.Decode(file, data, m)
	if m.APIVersion == "" && len(report.Problems()) > 0 && !report.Has("spec") {
		return m, report // Nothing was read: more problems would only hide it.
	}
	c := &checker{Report: report, m: m, opts: opts, sum: sha256.New()}
	c.sum.Write(data)
	c.files()
	m.settle()
	c.all()
	m.Digest = hex.EncodeToString(c.sum.Sum(nil))
	return m, report
}

// settle fills in the defaults that hang on the transform.
func (m *Manifest) settle() {
	publish, open, judge := PublishReady, OpenGreen, "off"
	if m.Spec.Transform.Prompt != nil {
		publish, open, judge = PublishDraft, OpenPushed, "veto"
	}
	pr := &m.Spec.PullRequest
	pr.Publish = cmp.Or(pr.Publish, publish)
	pr.OpenWhen = cmp.Or(pr.OpenWhen, open)
	m.Spec.Verify.Judge = cmp.Or(m.Spec.Verify.Judge, judge)
}

// files reads the files that the manifest names into its fields.
func (c *checker) files() {
	if s := c.m.Spec.Transform.Script; s != nil {
		c.oneText("spec.transform.script", s.File, &s.Text)
	}
	if p := c.m.Spec.Transform.Prompt; p != nil {
		c.oneText("spec.transform.prompt", p.File, &p.Text)
	}
	body := &c.m.Spec.PullRequest.Body
	switch {
	case body.File != "" && body.Text != "":
		c.Add("spec.pullRequest.body", "has file and text", "keep one")
	case body.File != "":
		body.Text = string(c.load("spec.pullRequest.body.file", body.File))
	}
	if t := &c.m.Spec.Targets; t.File != "" {
		t.Data = c.load("spec.targets.file", t.File)
	}
}

// oneText sees to it that there is a text, given or from a file.
func (c *checker) oneText(at, file string, text *string) {
	switch {
	case file != "" && *text != "":
		c.Add(at, "has file and text", "keep one")
	case file != "":
		*text = string(c.load(at+".file", file))
	case strings.TrimSpace(*text) == "":
		c.Add(at, "has neither file nor text", "add one")
	}
}

// load returns a file of text, nil after noting a problem.
func (c *checker) load(at, name string) []byte {
	clean := path.Clean(name)
	if path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsAny(name, "\\\x00") {
		c.Add(at, "leads out of the manifest's directory", "put the file beside the manifest and name it from there")
		return nil
	}
	if c.opts.Read == nil {
		c.Add(at, "names a file, and there are none here", "write the text into the manifest")
		return nil
	}
	data, err := c.opts.Read(clean)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Add(at, "names "+clean+", which does not exist", "add the file beside the manifest")
	case err != nil:
		c.Add(at, "names "+clean+", which cannot be read", "see that it is a plain file beside the manifest")
	case len(data) > strict.MaxSize:
		c.Add(at, "names "+clean+", which is larger than 1 MiB", "make it smaller")
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		c.Add(at, "names "+clean+", which is not text", "save it as UTF-8")
	case len(bytes.TrimSpace(data)) == 0:
		c.Add(at, "names "+clean+", which is empty", "write it")
	default:
		c.sum.Write([]byte("\x00" + clean + "\x00"))
		c.sum.Write(data)
		return data
	}
	return nil
}
