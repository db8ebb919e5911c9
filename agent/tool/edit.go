package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"honk/agent/tool/edit"
	"honk/sandbox"
)

// maxEdit is the largest file that edit and write touch.
const maxEdit = 1 << 20

func (s *Set) edit(ctx context.Context, raw json.RawMessage) (Result, error) {
	in := struct {
		Path string `json:"path"`
		Old  string `json:"old"`
		New  string `json:"new"`
		All  bool   `json:"replace_all"`
	}{}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Result{}, err
	}
	title := "edit " + oneLine(in.Path, 200)
	file, err := s.cfg.Sandbox.Read(ctx, in.Path, maxEdit)
	if err != nil {
		return s.unreadable(ctx, title, in.Path, err)
	}
	if why := s.untouchable(in.Path, file); why != "" {
		return failure(title, "%s", why), nil
	}
	done, why := edit.Apply(file.Data, in.Old, in.New, in.All)
	if why != "" {
		return failure(title, "%s", why), nil
	}
	written, refusal, err := s.put(ctx, title, sandbox.Write{Path: in.Path, Data: done.Data, IfHash: file.Hash})
	if err != nil || refusal != nil {
		return deref(refusal), err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Edited %s: %s, +%d -%d lines.", in.Path, count(done.Count, "place"), done.Added, done.Removed)
	if done.Note != "" {
		fmt.Fprintf(&b, " Note: %s. Check it below.", done.Note)
	}
	b.WriteByte('\n')
	number(&b, textLines(done.Data), done.First-4, min(done.Last, done.First+80)+4)
	b.WriteString(s.newFaults(ctx, in.Path, file.Data, written.Data))
	return Result{
		Text: b.String(), Changed: true,
		Title: fmt.Sprintf("%s (+%d -%d)", title, done.Added, done.Removed),
	}, nil
}

// untouchable says why a file may not be changed, empty if it may.
func (s *Set) untouchable(path string, f sandbox.File) string {
	seen := s.seen(f.Path)
	switch {
	case seen == "":
		return fmt.Sprintf("You have not viewed %s in this run. Nothing was changed. View the lines first, then change them.", path)
	case seen != f.Hash:
		return fmt.Sprintf("%s has changed since you last viewed it (by a command or a formatter). Nothing was changed. View it again, then change it.", path)
	case f.Size > int64(len(f.Data)) || f.Size > maxEdit:
		return fmt.Sprintf("%s has %d bytes, more than the %d that can be edited. Nothing was changed. Use sed or a script in bash.", path, f.Size, maxEdit)
	case binary(f.Data):
		return fmt.Sprintf("%s is a binary file. Nothing was changed.", path)
	}
	return ""
}

// put writes a file and remembers it as seen. A refusal is for the model.
func (s *Set) put(ctx context.Context, title string, w sandbox.Write) (sandbox.File, *Result, error) {
	f, err := s.cfg.Sandbox.Write(ctx, w)
	if errors.Is(err, sandbox.ErrChanged) {
		r := failure(title, "%s changed while this call ran. Nothing was changed. View it again, then change it.", w.Path)
		return f, &r, nil
	}
	if err != nil {
		if r, ok := refused(title, err); ok {
			return f, &r, nil
		}
		return f, nil, err
	}
	f.Path, f.Data = w.Path, w.Data
	s.saw(f)
	return f, nil, nil
}

func deref(r *Result) Result {
	if r == nil {
		return Result{}
	}
	return *r
}

func (s *Set) write(ctx context.Context, raw json.RawMessage) (Result, error) {
	in := struct {
		Path    string `json:"path"`
		Content string `json:"content"`
	}{}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Result{}, err
	}
	title := "write " + oneLine(in.Path, 200)
	before, err := s.cfg.Sandbox.Read(ctx, in.Path, maxEdit)
	exists := err == nil
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		if r, ok := refused(title, err); ok {
			return r, nil
		}
		return Result{}, err
	default:
		if why := s.untouchable(in.Path, before); why != "" {
			return failure(title, "%s already exists. %s", in.Path, why), nil
		}
	}
	w := sandbox.Write{Path: in.Path, Data: []byte(in.Content), IfHash: before.Hash}
	if crlf(before.Data) && !strings.Contains(in.Content, "\r\n") {
		w.Data = []byte(strings.ReplaceAll(in.Content, "\n", "\r\n"))
	}
	_, refusal, err := s.put(ctx, title, w)
	if err != nil || refusal != nil {
		return deref(refusal), err
	}
	verb := "Created"
	if exists {
		verb = "Replaced"
	}
	lines := strings.Count(in.Content, "\n")
	if in.Content != "" && !strings.HasSuffix(in.Content, "\n") {
		lines++
	}
	return Result{
		Text:    fmt.Sprintf("%s %s, %s.\n%s", verb, in.Path, count(lines, "line"), s.newFaults(ctx, in.Path, before.Data, w.Data)),
		Title:   fmt.Sprintf("%s (%s)", title, count(lines, "line")),
		Changed: true,
	}, nil
}

// crlf reports whether most lines end with a carriage return and line feed.
func crlf(data []byte) bool {
	text := string(data)
	return 2*strings.Count(text, "\r\n") > strings.Count(text, "\n")
}
