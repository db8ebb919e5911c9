package guest

import (
	"bytes"
	"os"

	"honk/sandbox"
)

// stream captures one output stream: the first 40 % of max and the last 60 %.
// Until something is lost both together hold all there was, so the file with
// the whole text is made only then.
type stream struct {
	max   int
	head  []byte
	tail  []byte // a ring once it is full
	next  int    // where the ring's oldest byte is
	total int64
	lines int
	keep  func() *os.File // nil when nothing is kept
	file  *os.File
}

func newStream(max int, keep func() *os.File) *stream {
	return &stream{max: max, keep: keep}
}

func (s *stream) Write(p []byte) (int, error) {
	n := len(p)
	if s.total <= int64(s.max) && s.total+int64(n) > int64(s.max) && s.keep != nil {
		if s.file = s.keep(); s.file != nil {
			_, _ = s.file.Write(s.head)
			_, _ = s.file.Write(s.tail)
		}
	}
	s.total += int64(n)
	s.lines += bytes.Count(p, []byte{'\n'})
	if s.file != nil {
		_, _ = s.file.Write(p)
	}
	if room := s.headCap() - len(s.head); room > 0 {
		k := min(room, len(p))
		s.head = append(s.head, p[:k]...)
		p = p[k:]
	}
	s.push(p)
	return n, nil
}

func (s *stream) headCap() int { return s.max * 2 / 5 }

func (s *stream) push(p []byte) {
	size := s.max - s.headCap()
	if len(p) > size {
		p = p[len(p)-size:]
	}
	k := min(size-len(s.tail), len(p))
	s.tail = append(s.tail, p[:k]...)
	for p = p[k:]; len(p) > 0; {
		n := copy(s.tail[s.next:], p)
		s.next = (s.next + n) % size
		p = p[n:]
	}
}

// output returns what was captured. The stream is not used after it.
func (s *stream) output() sandbox.Output {
	tail := append(append([]byte(nil), s.tail[s.next:]...), s.tail[:s.next]...)
	out := sandbox.Output{Head: s.head, Tail: tail}
	if s.file != nil {
		out.File = s.file.Name()
		_ = s.file.Close()
	}
	if s.total <= int64(s.max) {
		return out
	}
	if i := bytes.LastIndexByte(out.Head, '\n'); i >= 0 {
		out.Head = out.Head[:i+1]
	}
	if i := bytes.IndexByte(out.Tail, '\n'); i >= 0 && i+1 < len(out.Tail) {
		out.Tail = out.Tail[i+1:]
	}
	out.OmittedBytes = s.total - int64(len(out.Head)+len(out.Tail))
	out.OmittedLines = s.lines - bytes.Count(out.Head, []byte{'\n'}) -
		bytes.Count(out.Tail, []byte{'\n'})
	return out
}
