package tool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"honk/sandbox"
)

const (
	// viewLines is shown of a file unless asked otherwise.
	viewLines = 200
	// viewBytes caps one line.
	viewBytes = 2000
	// outlineFrom is how many lines make a file large: without a range it
	// shows as an outline.
	outlineFrom = 400
	// maxView is the largest file that is read for viewing.
	maxView = 8 << 20
)

func (s *Set) view(ctx context.Context, raw json.RawMessage) (Result, error) {
	in := struct {
		Path  string `json:"path"`
		Start int    `json:"start_line"`
		Max   int    `json:"max_lines"`
	}{}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Result{}, err
	}
	title := "view " + oneLine(in.Path, 200)
	file, err := s.cfg.Sandbox.Read(ctx, in.Path, maxView)
	if err != nil {
		return s.unreadable(ctx, title, in.Path, err)
	}
	switch {
	case binary(file.Data):
		return failure(title, "%q is a binary file of %d bytes. Look at it with a command such as file or xxd.", in.Path, file.Size), nil
	case file.Size > int64(len(file.Data)):
		return failure(title, "%q has %d bytes, too many to view. Use `search`, or sed -n in bash.", in.Path, file.Size), nil
	case len(file.Data) == 0:
		s.saw(file)
		return Result{Text: fmt.Sprintf("%s is empty.", in.Path), Title: title}, nil
	}
	lines := textLines(file.Data)
	start, most := max(in.Start, 1), in.Max
	if start > len(lines) {
		return failure(title, "%q has only %d lines. View it with a smaller start_line.", in.Path, len(lines)), nil
	}
	if in.Start == 0 && in.Max == 0 && len(lines) > outlineFrom {
		return Result{Text: outline(in.Path, lines), Title: title + " (outline)"}, nil
	}
	if most == 0 {
		most = viewLines
	}
	end := min(start+most-1, len(lines))
	s.saw(file)

	var b strings.Builder
	fmt.Fprintf(&b, "%s, lines %d-%d of %d", in.Path, start, end, len(lines))
	if bytes.Contains(file.Data, []byte("\r\n")) {
		b.WriteString(" (CRLF line ends, kept by edit)")
	}
	b.WriteByte('\n')
	number(&b, lines, start, end)
	if end < len(lines) {
		fmt.Fprintf(&b, "[%d more lines; go on with start_line %d]\n", len(lines)-end, end+1)
	}
	return Result{Text: b.String(), Title: fmt.Sprintf("%s:%d-%d", title, start, end)}, nil
}

// saw remembers a file as the model knows it now.
func (s *Set) saw(f sandbox.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewed[path.Clean(f.Path)] = f.Hash
}

// seen returns the hash of a file as the model last saw it, empty if never.
func (s *Set) seen(p string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewed[path.Clean(p)]
}

// unreadable answers a path that is no readable file: a directory is listed,
// and for a missing file those of the same name are.
func (s *Set) unreadable(ctx context.Context, title, p string, err error) (Result, error) {
	if !errors.Is(err, fs.ErrNotExist) {
		// A file or a symlink is listed as itself.
		if list, lerr := s.cfg.Sandbox.List(ctx, p, viewLines); lerr == nil && list.Total > 0 && list.Paths[0] != path.Clean(p) {
			return Result{Title: title, Text: fmt.Sprintf("%s is a directory with %d files:\n%s", p, list.Total, strings.Join(list.Paths, "\n"))}, nil
		}
		if r, ok := refused(title, err); ok {
			return r, nil
		}
		return Result{}, err
	}
	r := failure(title, "There is no file %q.", clip(printable(p), 200))
	const most = 50_000
	list, err := s.cfg.Sandbox.List(ctx, "", most)
	if err != nil {
		return r, nil //nolint:nilerr // the suggestion is a courtesy
	}
	var same []string
	for _, have := range list.Paths {
		if strings.EqualFold(path.Base(have), path.Base(p)) && len(same) < 5 {
			same = append(same, have)
		}
	}
	if len(same) > 0 {
		r.Text += " Of that name there are: " + strings.Join(same, ", ") + "."
	} else {
		r.Text += " Find it with `search` in mode files, or with ls."
	}
	return r, nil
}

// textLines splits a file for display; control bytes show as a mark.
func textLines(data []byte) []string {
	text := strings.ToValidUTF8(strings.TrimPrefix(string(data), "\ufeff"), "\ufffd")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range lines {
		l = strings.TrimSuffix(l, "\r")
		lines[i] = strings.Map(func(r rune) rune {
			if r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0 {
				return '\ufffd'
			}
			return r
		}, l)
	}
	return lines
}

// number writes the lines from start to end, both 1-based.
func number(b *strings.Builder, lines []string, start, end int) {
	for i := max(start, 1); i <= min(end, len(lines)); i++ {
		fmt.Fprintf(b, "%6d\t%s\n", i, clip(lines[i-1], viewBytes))
	}
}

// binary reports whether data holds a NUL byte near its beginning, as git
// decides.
func binary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0
}
