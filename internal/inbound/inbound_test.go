package inbound_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"honk/internal/inbound"
)

func TestBody(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method string
		body   io.Reader
		want   int
	}{
		"as large as may be": {"POST", strings.NewReader("12345678"), 200},
		"too large":          {"POST", strings.NewReader("123456789"), 413},
		"cut off":            {"POST", iotest.ErrReader(errors.New("gone")), 400},
		"another method":     {"GET", nil, 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			body, ok := inbound.Body(w, httptest.NewRequestWithContext(t.Context(), tt.method, "/", tt.body), 8)
			if w.Code != tt.want || ok != (tt.want == 200) || ok && string(body) != "12345678" {
				t.Errorf("%d, %t, %q", w.Code, ok, body)
			}
			if tt.want == 405 && w.Header().Get("Allow") != http.MethodPost {
				t.Errorf("allowed is %q", w.Header().Get("Allow"))
			}
		})
	}
}
