package check

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge/diff"
)

const (
	modeSymlink, modeGitlink, modeExec = 0o120000, 0o160000, 0o100755
	// sizeMax is the size of a file from which it is refused.
	sizeMax = 1 << 20
	// longLine is the length from which nobody reads a line.
	longLine = 5000
)

var (
	assets    = re(`(?i)\b(?:images?|icons?|logos?|favicons?|pictures?|screenshots?|fonts?|binar(?:y|ies)|fixtures?|test ?data|assets?|archives?|audio|videos?|pdfs?)\b`)
	generated = re(`(?mi)^\W*(?:Code generated .* DO NOT EDIT\.?|@generated\b|This file (?:is|was) (?:automatically |auto-?)generated|AUTO-?GENERATED)`)
	genNames  = re(`(?i)\.pb\.go$|_pb2(?:_grpc)?\.pyi?$|\.g\.dart$|_generated\.\w+$|zz_generated\.`)
	vendored  = re(`(?:^|/)(?:vendor|third_party|bower_components|Pods)/`)
	installed = re(`(?:^|/)(?:node_modules|site-packages|\.venv|__pycache__)/`)
	minified  = re(`(?i)\.min\.(?:js|css|mjs)$|\.(?:js|css)\.map$`)
	reserved  = re(`(?i)^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)|[<>:"|?*\\]|[. ]$|^(?:\.git|git~\d+)$`)
)

// kinds vetoes files that are no honest text, and shows those that are seldom
// written by hand.
func (c *checker) kinds() {
	folded := map[string]string{}
	for _, f := range c.files {
		if f.Kind == task.ChangeDeleted {
			continue
		}
		veto := Finding{Check: "file_kind", Severity: Veto, File: f.Path}
		c.fileMode(f, veto)
		c.fileName(f, veto)
		if other, ok := folded[strings.ToLower(f.Path)]; ok {
			c.report(veto, "the name differs from %q in case only", other)
		}
		folded[strings.ToLower(f.Path)] = f.Path
		c.fileContent(f, veto)
	}
}

func (c *checker) fileMode(f *diff.File, veto Finding) {
	flag := veto
	flag.Severity = Flag
	switch {
	case f.NewMode == modeSymlink:
		c.report(veto, "a symbolic link is added or changed; use a regular file")
	case f.NewMode == modeGitlink:
		c.report(veto, "a submodule or nested repository is added or changed; remove it")
	case f.NewMode == modeExec && f.OldMode != modeExec:
		c.report(flag, "the file becomes executable")
	}
	switch {
	case f.Binary && (c.ask.names(f.Path) || c.ask.matches(assets)):
		c.report(flag, "binary file")
	case f.Binary:
		c.report(veto, "a binary file changes, which the request does not ask for; remove it")
	}
	if f.Size > sizeMax {
		c.report(veto, "the file has %d bytes, more than %d", f.Size, sizeMax)
	}
}

func (c *checker) fileName(f *diff.File, veto Finding) {
	if len(secret.Invisible(f.Path)) > 0 || strings.ContainsAny(f.Path, "\n\r\t") {
		c.report(veto, "the name holds control or invisible characters; rename it")
		return
	}
	if f.Kind != task.ChangeAdded {
		return
	}
	dir := "."
	for el := range strings.SplitSeq(f.Path, "/") {
		if reserved.MatchString(el) || el == ".." {
			c.report(veto, "%q is a reserved name on some systems; rename it", el)
		}
		if other := c.sibling(dir, el); other != "" {
			c.report(veto, "the name %q differs from the existing %q in case only; rename it", el, other)
		}
		dir = path.Join(dir, el)
	}
}

// sibling returns the entry of a directory of the base that differs from name
// in case only, "" when there is none or name itself is there.
func (c *checker) sibling(dir, name string) string {
	if c.Base == nil || !fs.ValidPath(dir) {
		return ""
	}
	entries, err := fs.ReadDir(c.Base, dir)
	if err != nil {
		return ""
	}
	twin := ""
	for _, e := range entries {
		switch {
		case e.Name() == name:
			return ""
		case strings.EqualFold(e.Name(), name) && !c.deleted(path.Join(dir, e.Name())):
			twin = e.Name()
		}
	}
	return twin
}

func (c *checker) deleted(name string) bool {
	for _, f := range c.files {
		if f.Path == name {
			return f.Kind == task.ChangeDeleted
		}
	}
	return false
}

func (c *checker) fileContent(f *diff.File, veto Finding) {
	flag, human := veto, veto
	flag.Severity, human.Severity = Flag, Human
	switch {
	case installed.MatchString(f.Path):
		c.report(veto, "installed packages do not belong into the repository; remove the file")
	case vendored.MatchString(f.Path) && c.touches(f.Path, "go.mod", "modules.txt", "package.json", "Cargo.toml", "composer.json"):
		c.report(flag, "vendored code changes along with its manifest")
	case vendored.MatchString(f.Path) && !c.ask.names(f.Path):
		c.report(veto, "vendored code is edited in place; change the dependency instead")
	}
	head, _ := c.base(f.Path)
	if genNames.MatchString(f.Path) || generated.Match(head[:min(len(head), 2048)]) {
		c.report(flag, "a generated file changes")
	}
	for _, l := range f.Lines('+') {
		at := human
		at.Line = l.Num
		if !utf8.ValidString(l.Text) {
			c.report(at, "the text is not valid UTF-8")
			return
		}
		if len(l.Text) > longLine && !isLock(f.Path) || minified.MatchString(f.Path) {
			if !bytes.Contains(head, []byte(l.Text)) {
				c.report(at, "minified or machine-made text (%d characters in a line), which nobody can review", len(l.Text))
			}
			return
		}
	}
}
