// Package rest is the REST API of a forge: the part of GitHub's published API
// that Honk uses, with its status codes, error bodies, permissions and pages.
//
// In one thing it is stricter than GitHub: a token reads no public repository
// outside its own.
package rest

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
	"honk/internal/task"
)

// maxBody caps what a request may send.
const maxBody = 4 << 20

// API serves a world at /api/v3.
type API struct {
	world  *world.World
	key    *rsa.PublicKey
	tokens *Tokens
	routes []compiled
}

// New returns the API of a world. The key is the App's.
func New(w *world.World, key *rsa.PublicKey, tokens *Tokens) *API {
	a := &API{world: w, key: key, tokens: tokens}
	for _, r := range slices.Concat(appRoutes, checkRoutes, repoRoutes, issueRoutes, pullRoutes) {
		a.routes = append(a.routes, compile(r))
	}
	return a
}

// call is one request with what is known about it.
type call struct {
	*http.Request
	*world.World
	api   *API
	need  string
	by    world.By
	token *Token
	repo  *record.Repo
	body  []byte
}

// reply is an answer; a nil body is none.
type reply struct {
	status int
	body   any
	link   string
}

func ok(body any) reply      { return reply{status: http.StatusOK, body: body} }
func created(body any) reply { return reply{status: http.StatusCreated, body: body} }

func failed(status int, message string) reply {
	return reply{status: status, body: record.Object{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	}}
}

// The answers that need no words. notFound also hides what one may not see.
var (
	noContent = reply{status: http.StatusNoContent}
	notFound  = reply{status: http.StatusNotFound, body: record.Object{
		"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404",
	}}
	forbidden = reply{status: http.StatusForbidden, body: record.Object{
		"message":           "Resource not accessible by integration",
		"documentation_url": "https://docs.github.com/rest", "status": "403",
	}}
)

func (r reply) write(w http.ResponseWriter) {
	w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	if r.link != "" {
		w.Header().Set("Link", r.link)
	}
	if r.body == nil {
		w.WriteHeader(r.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(r.body) // the client has gone
}

// problem turns an error into its answer.
func problem(err error) reply {
	if e, ok := errors.AsType[*world.InvalidError](err); ok {
		one := record.Object{"resource": e.Resource, "code": e.Code}
		if e.Field != "" {
			one["field"] = e.Field
		}
		if e.Message != "" {
			one["message"] = e.Message
		}
		body := record.Object{
			"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest", "status": "422",
			"errors": []any{one},
		}
		if e.Resource == "" {
			body["errors"] = []any{e.Message}
		}
		return reply{status: http.StatusUnprocessableEntity, body: body}
	}
	switch task.CodeOf(err) {
	case task.CodeNotFound:
		return notFound
	case task.CodeConflict:
		return failed(http.StatusMethodNotAllowed, err.Error())
	default:
		return failed(http.StatusInternalServerError, err.Error())
	}
}

// ServeHTTP serves /api/v3/ and /api/graphql.
func (a *API) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/api/graphql" { // where GitHub's own servers have it
		req = req.Clone(req.Context())
		req.URL.Path = "/api/v3/graphql"
	}
	for _, r := range a.routes {
		if r.match(req) {
			a.serve(w, req, r.route)
			return
		}
	}
	notFound.write(w)
}

// serve checks who asks and what for, and runs the operation under the
// world's lock.
func (a *API) serve(w http.ResponseWriter, req *http.Request, r route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		failed(http.StatusRequestEntityTooLarge, "Payload too large").write(w)
		return
	}
	a.world.Lock()
	defer a.world.Unlock()
	c := &call{Request: req, World: a.world, api: a, need: r.need, body: body}
	if refused := c.authorize(); refused != nil {
		refused.write(w)
		return
	}
	if len(body) > 0 && !json.Valid(body) {
		failed(http.StatusBadRequest, "Problems parsing JSON").write(w)
		return
	}
	r.handle(c).write(w)
}

// read decodes the body. It has been checked to be JSON; fields of another
// type than they should have are an invalid request.
func (c *call) read(into any) *reply {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		r := failed(http.StatusUnprocessableEntity, "Invalid request.\n\n"+err.Error())
		return &r
	}
	return nil
}
