package webapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Args are the arguments of a call, each as JSON. Those of a form are
// strings.
type Args map[string]json.RawMessage

// Read takes a call's token and arguments from a request whose body has been
// read.
func Read(r *http.Request, body []byte) (token string, args Args, err error) {
	args = Args{}
	if h := r.Header.Get("Authorization"); strings.HasPrefix(h, "Bearer ") {
		token = strings.TrimPrefix(h, "Bearer ")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	values := r.URL.Query()
	switch kind {
	case "application/json":
		if err := json.Unmarshal(body, &args); err != nil && len(body) > 0 {
			return token, nil, fmt.Errorf("reading the arguments: %w", err)
		}
	case "multipart/form-data":
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			return token, nil, fmt.Errorf("reading the arguments: %w", err)
		}
		maps.Copy(values, url.Values(r.MultipartForm.Value))
	default:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return token, nil, fmt.Errorf("reading the arguments: %w", err)
		}
		maps.Copy(values, form)
	}
	for key, list := range values {
		quoted, err := json.Marshal(list[0])
		if err == nil {
			args[key] = quoted
		}
	}
	if given := args.Text("token"); token == "" && given != "" {
		token = given
	}
	delete(args, "token")
	return token, args, nil
}

// Text returns an argument as text, also where it is a number.
func (a Args) Text(key string) string {
	var s string
	if json.Unmarshal(a[key], &s) == nil {
		return s
	}
	if string(a[key]) == "null" {
		return ""
	}
	return string(a[key])
}

// JSON returns an argument that is JSON, itself or in a string. It is nil
// where there is none.
func (a Args) JSON(key string) json.RawMessage {
	s := a.Text(key)
	if s == "" || !json.Valid([]byte(s)) {
		return nil
	}
	return json.RawMessage(s)
}

// Has reports whether an argument is given at all.
func (a Args) Has(key string) bool { return a.Text(key) != "" }

// True reports whether an argument is set.
func (a Args) True(key string) bool { return slices.Contains([]string{"true", "1"}, a.Text(key)) }

// Count returns a number between 1 and most, or what is usual without one.
func (a Args) Count(key string, usual, most int) int {
	n, err := strconv.Atoi(a.Text(key))
	if err != nil || n < 1 {
		return usual
	}
	return min(n, most)
}
