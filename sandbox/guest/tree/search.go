package tree

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"

	"honk/sandbox"
	"honk/sandbox/guest/wire"
)

const (
	maxSearched   = 4 << 20
	searchWorkers = 2
	// searchBatch files are searched before the next are looked at, so that
	// lines beyond the cap are not kept.
	searchBatch = 64
)

// Search looks for a pattern.
func (t *Tree) Search(ctx context.Context, q sandbox.Query) (sandbox.SearchResult, error) {
	re, err := regexp.Compile(q.Pattern)
	if err != nil {
		return sandbox.SearchResult{}, &sandbox.PathError{
			Path:   wire.CutText(q.Pattern, 200),
			Reason: strings.TrimPrefix(err.Error(), "error parsing regexp: "),
		}
	}
	p, err := clean(q.Path)
	if err != nil {
		return sandbox.SearchResult{}, err
	}
	if q.MaxHits <= 0 {
		q.MaxHits = 100
	}
	q.MaxHits = min(q.MaxHits, wire.MaxHits)
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	r := &search{t: t, re: re, q: q, result: sandbox.SearchResult{Directories: map[string]int{}}}
	stopped, err := t.walk(ctx, p, func(file string, mode fs.FileMode) {
		if !mode.IsRegular() || !globMatch(q.Glob, file) || ctx.Err() != nil {
			return
		}
		r.batch = append(r.batch, file)
		if len(r.batch) == searchBatch {
			r.flush(ctx)
		}
	})
	r.flush(ctx)
	r.result.Incomplete = stopped
	if ctx.Err() != nil {
		r.result.Incomplete = fmt.Sprintf("the search took longer than %v", walkTime)
	}
	return r.result, err
}

// search is a search under way.
type search struct {
	t      *Tree
	re     *regexp.Regexp
	q      sandbox.Query
	batch  []string
	lines  int
	result sandbox.SearchResult
}

// flush searches the files of the batch and adds their hits in order.
func (r *search) flush(ctx context.Context) {
	hits := make([]sandbox.FileHits, len(r.batch))
	room := 0
	if !r.q.FilesOnly {
		room = r.q.MaxHits - r.lines
	}
	var workers sync.WaitGroup
	for w := range searchWorkers {
		workers.Go(func() {
			for i := w; i < len(r.batch) && ctx.Err() == nil; i += searchWorkers {
				hits[i] = r.file(r.batch[i], room)
			}
		})
	}
	workers.Wait()
	r.batch = r.batch[:0]
	for _, h := range hits {
		if h.Count > 0 {
			r.add(h)
		}
	}
}

func (r *search) add(h sandbox.FileHits) {
	r.result.TotalFiles++
	r.result.TotalHits += h.Count
	r.result.Directories[path.Dir(h.Path)]++
	if r.q.FilesOnly {
		if len(r.result.Files) < r.q.MaxHits {
			r.result.Files = append(r.result.Files, h)
		}
		return
	}
	h.Lines = h.Lines[:min(len(h.Lines), r.q.MaxHits-r.lines)]
	r.lines += len(h.Lines)
	if len(h.Lines) > 0 {
		r.result.Files = append(r.result.Files, h)
	}
}

// file counts the matching lines of a file and returns the first room ones.
func (r *search) file(p string, room int) sandbox.FileHits {
	h := sandbox.FileHits{Path: p}
	f, stat, err := r.t.openRegular(p)
	if err != nil {
		return h
	}
	defer func() { _ = f.Close() }()
	if stat.Size() > maxSearched {
		return h
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSearched))
	if err != nil || bytes.IndexByte(data[:min(len(data), 8<<10)], 0) >= 0 {
		return h
	}
	if prefix, _ := r.re.LiteralPrefix(); prefix != "" && !bytes.Contains(data, []byte(prefix)) {
		return h
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if !r.re.Match(line) {
			continue
		}
		h.Count++
		if len(h.Lines) < room {
			h.Lines = append(h.Lines, sandbox.Line{Number: number, Text: wire.CutText(string(line), wire.MaxLine)})
		}
	}
	return h
}
