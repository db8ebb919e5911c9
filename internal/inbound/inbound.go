// Package inbound takes in what others send to the service's webhooks.
package inbound

import (
	"errors"
	"io"
	"net/http"
)

// Body returns the body of a POST of at most most bytes. What is none has been
// answered when ok is false: 405, 413, or 400 for one that ends too early.
func Body(w http.ResponseWriter, r *http.Request, most int64) (body []byte, ok bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are sent by POST", http.StatusMethodNotAllowed)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		http.Error(w, "the payload is too large", http.StatusRequestEntityTooLarge)
		return nil, false
	}
	if err != nil {
		http.Error(w, "the payload could not be read", http.StatusBadRequest)
		return nil, false
	}
	return body, true
}
