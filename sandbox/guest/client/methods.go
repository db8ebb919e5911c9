package client

import (
	"context"
	"encoding/hex"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"honk/sandbox"
	"honk/sandbox/guest/wire"
)

// errLies ends a guest whose answer is not one to the question.
var errLies = errors.New("the helper's answer does not fit the question")

// Exec implements sandbox.Sandbox.
func (c *Client) Exec(ctx context.Context, cmd sandbox.Command) (sandbox.ExecResult, error) {
	left := time.Until(c.expires)
	if cmd.Timeout <= 0 || cmd.Timeout > left {
		cmd.Timeout = max(left, time.Millisecond)
	}
	if cmd.MaxOutput <= 0 {
		cmd.MaxOutput = wire.MaxOutput
	}
	before := c.hits()
	began := time.Now()
	var result sandbox.ExecResult
	rep, err := c.call(ctx, wire.Request{Op: wire.OpExec}, cmd, &result, cmd.Timeout+execGrace)
	if rep.Err != nil {
		err = wire.FromError(wire.OpExec, cmd.Dir, rep.Err)
	}
	if err != nil {
		return sandbox.ExecResult{}, err
	}
	if !c.plausible(result, cmd) {
		return sandbox.ExecResult{}, c.abort(errLies)
	}
	result.Duration = time.Since(began)
	if result.Limit == "" && result.ExitCode != 0 {
		for limit, n := range c.hits() {
			if n > before[limit] {
				result.Limit = limit
			}
		}
	}
	return result, nil
}

func (c *Client) hits() map[string]int64 {
	if c.opts.Hits == nil {
		return nil
	}
	return c.opts.Hits()
}

// plausible reports whether a result can be one of cmd.
func (c *Client) plausible(r sandbox.ExecResult, cmd sandbox.Command) bool {
	for _, o := range []sandbox.Output{r.Stdout, r.Stderr} {
		// A message of the helper's own may be a little longer.
		if len(o.Head)+len(o.Tail) > max(cmd.MaxOutput, 4096) || o.OmittedBytes < 0 || o.OmittedLines < 0 {
			return false
		}
		if o.File != "" && (path.Dir(o.File) != c.opts.Config.Keep || strings.ContainsFunc(o.File, notPlain)) {
			return false
		}
	}
	limits := []string{"", "memory", "processes", "disk", "output", "cpu", "file_size"}
	return r.ExitCode >= 0 && r.ExitCode <= 255 && slices.Contains(limits, r.Limit)
}

func notPlain(r rune) bool { return r <= ' ' || r > '~' }

// Read implements sandbox.Sandbox.
func (c *Client) Read(ctx context.Context, path string, max int64) (sandbox.File, error) {
	max = min(max, wire.MaxData)
	var f sandbox.File
	rep, err := c.call(ctx, wire.Request{Op: wire.OpRead}, wire.ReadRequest{Path: path, Max: max}, &f, fileTime)
	if rep.Err != nil {
		err = wire.FromError("reading", path, rep.Err)
	}
	if err != nil {
		return sandbox.File{}, err
	}
	f.Data = rep.Data
	if int64(len(f.Data)) > max || f.Size < int64(len(f.Data)) || !plausibleFile(f, path) {
		return sandbox.File{}, c.abort(errLies)
	}
	return f, nil
}

func plausibleFile(f sandbox.File, path string) bool {
	sum, err := hex.DecodeString(f.Hash)
	return err == nil && len(sum) == 32 && f.Path == path && f.Mode <= 0o777
}

// Write implements sandbox.Sandbox.
func (c *Client) Write(ctx context.Context, w sandbox.Write) (sandbox.File, error) {
	if len(w.Data) > wire.MaxData {
		return sandbox.File{}, &sandbox.PathError{Path: w.Path, Reason: "is more than 16 MiB"}
	}
	var f sandbox.File
	data := w.Data
	w.Data = nil
	rep, err := c.call(ctx, wire.Request{Op: wire.OpWrite, Data: data}, w, &f, fileTime)
	if rep.Err != nil {
		err = wire.FromError("writing", w.Path, rep.Err)
	}
	if err != nil {
		return sandbox.File{}, err
	}
	if !plausibleFile(f, w.Path) {
		return sandbox.File{}, c.abort(errLies)
	}
	f.Data = data
	return f, nil
}

// Search implements sandbox.Sandbox.
func (c *Client) Search(ctx context.Context, q sandbox.Query) (sandbox.SearchResult, error) {
	var r sandbox.SearchResult
	rep, err := c.call(ctx, wire.Request{Op: wire.OpSearch}, q, &r, fileTime)
	if rep.Err != nil {
		about := q.Path
		if strings.HasPrefix(q.Pattern, rep.Err.Path) && rep.Err.Path != "" {
			about = rep.Err.Path
		}
		err = wire.FromError("searching", about, rep.Err)
	}
	if err != nil {
		return sandbox.SearchResult{}, err
	}
	lines := 0
	for _, f := range r.Files {
		lines += len(f.Lines)
		for _, l := range f.Lines {
			// Bytes that are no UTF-8 have become three each.
			if len(l.Text) > 3*wire.MaxLine {
				return sandbox.SearchResult{}, c.abort(errLies)
			}
		}
	}
	if len(r.Files) > wire.MaxHits || lines > wire.MaxHits {
		return sandbox.SearchResult{}, c.abort(errLies)
	}
	r.Incomplete = wire.CutText(r.Incomplete, 200)
	return r, nil
}

// List implements sandbox.Sandbox.
func (c *Client) List(ctx context.Context, path string, max int) (sandbox.Listing, error) {
	var l sandbox.Listing
	rep, err := c.call(ctx, wire.Request{Op: wire.OpList}, wire.ListRequest{Path: path, Max: max}, &l, fileTime)
	if rep.Err != nil {
		err = wire.FromError("listing", path, rep.Err)
	}
	if err != nil {
		return sandbox.Listing{}, err
	}
	if len(l.Paths) > max || l.Total < len(l.Paths) {
		return sandbox.Listing{}, c.abort(errLies)
	}
	l.Incomplete = wire.CutText(l.Incomplete, 200)
	return l, nil
}

// Probe asks the guest to try to get out.
func (c *Client) Probe(ctx context.Context, req wire.ProbeRequest) (wire.ProbeResult, error) {
	var r wire.ProbeResult
	rep, err := c.call(ctx, wire.Request{Op: wire.OpProbe}, req, &r, fileTime)
	if rep.Err != nil {
		err = wire.FromError(wire.OpProbe, "", rep.Err)
	}
	return r, err
}
