package githttp

import (
	"bytes"
	"net/http"
)

// Answer keeps a response until it is known whether it is the right one. It
// implements http.ResponseWriter. The zero value is ready.
type Answer struct {
	Status int
	Body   bytes.Buffer
	// Fields are its header.
	Fields http.Header
}

// Header implements http.ResponseWriter.
func (a *Answer) Header() http.Header {
	if a.Fields == nil {
		a.Fields = http.Header{}
	}
	return a.Fields
}

// WriteHeader implements http.ResponseWriter: the first status counts.
func (a *Answer) WriteHeader(status int) {
	if a.Status == 0 {
		a.Status = status
	}
}

// Write implements http.ResponseWriter.
func (a *Answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.Body.Write(p)
}
