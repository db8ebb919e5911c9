package guest

import (
	"fmt"
	"strings"
	"testing"
)

func TestStream(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		max        int
		writes     []string
		head, tail string
		bytes      int64
		lines      int
	}{
		{name: "empty", max: 10},
		{name: "fits", max: 10, writes: []string{"0123", "456789"}, head: "0123", tail: "456789"},
		{name: "one byte over", max: 10, writes: []string{"0123456789a"}, head: "0123", tail: "56789a", bytes: 1},
		{
			name: "line ends", max: 20, writes: []string{"a\nb\nc\nd\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"},
			head: "a\nb\nc\nd\n", tail: "5\n6\n7\n8\n9\n", bytes: 8, lines: 4,
		},
		{
			name: "ring in pieces", max: 10, writes: strings.Split("x\nabcdefghijklmnop\nqr\n", ""),
			head: "x\n", tail: "qr\n", bytes: 17, lines: 1,
		},
		{name: "no line ends", max: 5, writes: []string{"aaaa", "bbbb", "cccc"}, head: "aa", tail: "ccc", bytes: 7},
		{
			name: "tail ends with its only line end", max: 10, writes: []string{strings.Repeat("x", 30) + "\n"},
			head: "xxxx", tail: "xxxxx\n", bytes: 21,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStream(c.max, nil)
			for _, w := range c.writes {
				_, _ = s.Write([]byte(w))
			}
			out := s.output()
			got := fmt.Sprintf("%q %q %d %d", out.Head, out.Tail, out.OmittedBytes, out.OmittedLines)
			if want := fmt.Sprintf("%q %q %d %d", c.head, c.tail, c.bytes, c.lines); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
