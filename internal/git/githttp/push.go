package githttp

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
)

// discard swallows the complaints of git's server: the client gets its own.
type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

// pathHandler gives git the name of the directory, which ends in .git even
// where the client left that out.
type pathHandler struct{ inner http.Handler }

func (p *pathHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repo, action, ok := split(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	r = r.Clone(r.Context())
	r.URL.Path, r.URL.RawPath = "/"+repo+".git/"+action, ""
	// The environment of a process is no place for a token.
	r.Header.Del("Authorization")
	p.inner.ServeHTTP(w, r)
}

// withLength gives a chunked request, which CGI does not know, a length.
func withLength(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength >= 0 {
			next.ServeHTTP(w, r)
			return
		}
		f, err := os.CreateTemp("", "githttp-")
		if err != nil {
			http.Error(w, "no room for the request", http.StatusInternalServerError)
			return
		}
		defer os.Remove(f.Name())
		defer f.Close()
		n, err := io.Copy(f, r.Body)
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err != nil {
			http.Error(w, "reading the request", http.StatusBadRequest)
			return
		}
		r = r.Clone(r.Context())
		r.Body, r.ContentLength, r.TransferEncoding = f, n, nil
		next.ServeHTTP(w, r)
	})
}

// push runs a push to its end before anything is answered.
func (h *Handler) push(w http.ResponseWriter, r *http.Request, repo string) {
	h.opts.Lock.Lock()
	defer h.opts.Lock.Unlock()
	ctx, bare := r.Context(), h.Repo(repo)
	before, err := bare.Refs(ctx)
	if err != nil {
		http.Error(w, "reading the refs", http.StatusInternalServerError)
		return
	}
	ans := &Answer{}
	h.backend(r).ServeHTTP(ans, r)
	after, err := bare.Refs(ctx)
	if err != nil {
		http.Error(w, "reading the refs", http.StatusInternalServerError)
		return
	}
	body := ans.Body.Bytes()
	changes, refused, err := h.check(r, repo, diff(before, after))
	if err != nil {
		http.Error(w, "taking back a ref", http.StatusInternalServerError)
		return
	}
	if len(refused) > 0 {
		body = report(diff(before, after), refused)
	}
	if h.opts.PushedFunc != nil && len(changes) > 0 {
		h.opts.PushedFunc(ctx, r, repo, changes)
	}
	for key, values := range ans.Header() {
		if key != "Content-Length" {
			w.Header()[key] = values
		}
	}
	w.WriteHeader(ans.Status)
	_, _ = w.Write(body)
}

// check takes back the refs that may not move, and returns the others.
func (h *Handler) check(r *http.Request, repo string, changes []Change) (kept []Change, refused map[string]string, err error) {
	if h.opts.CheckFunc == nil {
		return changes, nil, nil
	}
	refused = map[string]string{}
	for _, c := range changes {
		reason := h.opts.CheckFunc(r.Context(), r, repo, c)
		if reason == "" {
			kept = append(kept, c)
			continue
		}
		refused[c.Ref] = reason
		if err := h.Repo(repo).SetRef(r.Context(), c.Ref, c.Old); err != nil {
			return nil, nil, err
		}
	}
	return kept, refused, nil
}

// diff lists what moved, by name.
func diff(before, after map[string]string) []Change {
	var changes []Change
	for ref, sha := range after {
		if before[ref] != sha {
			changes = append(changes, Change{Ref: ref, Old: before[ref], New: sha})
		}
	}
	for ref, sha := range before {
		if after[ref] == "" {
			changes = append(changes, Change{Ref: ref, Old: sha})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Ref, b.Ref) })
	return changes
}

// report is the answer to a push of which refs were refused: the lines of
// report-status, in the first band of side-band-64k, which every client of
// this century asks for.
func report(changes []Change, refused map[string]string) []byte {
	var lines, out bytes.Buffer
	packet(&lines, "unpack ok\n")
	for _, c := range changes {
		if reason, ok := refused[c.Ref]; ok {
			packet(&lines, "ng "+c.Ref+" "+reason+"\n")
		} else {
			packet(&lines, "ok "+c.Ref+"\n")
		}
	}
	lines.WriteString("0000")
	packet(&out, "\x01"+lines.String())
	out.WriteString("0000")
	return out.Bytes()
}

// packet writes a line in git's framing.
func packet(w io.Writer, line string) {
	fmt.Fprintf(w, "%04x%s", len(line)+4, line)
}
