package openai_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"honk/internal/llm"
	"honk/internal/llm/openai"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata")

const testKey = "test-key-7f3a91"

// outcome is what a recorded reply becomes, as the goldens show it.
type outcome struct {
	Message    *llm.Message     `json:"message,omitempty"`
	Finish     llm.FinishReason `json:"finish,omitempty"`
	Class      llm.Class        `json:"class,omitempty"`
	Status     int              `json:"status,omitempty"`
	Error      string           `json:"error,omitempty"`
	RetryAfter string           `json:"retry_after,omitempty"`
	Lost       bool             `json:"lost,omitempty"`
	Usage      llm.Usage        `json:"usage"`
}

func outcomeOf(t *testing.T, resp llm.Response, err error) outcome {
	t.Helper()
	if err == nil {
		return outcome{Message: &resp.Message, Finish: resp.Finish, Usage: resp.Usage}
	}
	e, ok := errors.AsType[*llm.Error](err)
	if !ok {
		t.Fatalf("got %T (%v), want *llm.Error", err, err)
	}
	out := outcome{Class: e.Class, Status: e.Status, Error: e.Message, Lost: e.Lost, Usage: e.Usage}
	if e.RetryAfter > 24*time.Hour {
		out.RetryAfter = "more than a day"
	} else if e.RetryAfter > 0 {
		out.RetryAfter = e.RetryAfter.String()
	}
	return out
}

// TestWire holds recorded replies, and the request that follows each, against
// their goldens: one txtar file per shape.
func TestWire(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d recordings, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			testRecording(t, file)
		})
	}
}

func testRecording(t *testing.T, file string) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part := func(name string) *txtar.File {
		for i := range ar.Files {
			if ar.Files[i].Name == name {
				return &ar.Files[i]
			}
		}
		t.Fatalf("%s has no part %q", file, name)
		return nil
	}
	var sent []byte
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		sent, _ = io.ReadAll(r.Body)
		replay(t, w, part("reply").Data)
	}, strings.TrimSpace(string(part("endpoint").Data)), strings.TrimSpace(string(part("model").Data)))

	req := llm.Request{
		Messages: []llm.Message{
			{Role: llm.RoleSystem, Content: "You change code."},
			{Role: llm.RoleUser, Content: "Fix <main> & go."},
		},
		Tools: []llm.Tool{{
			Name: "view", Description: "Show a file.",
			Schema: json.RawMessage(`{"type":"object","required":["path"],"properties":{"path":{"type":"string"}}}`),
		}},
	}
	resp, err := c.Complete(t.Context(), req)
	golden(t, part("want"), indent(t, outcomeOf(t, resp, err)))
	if err != nil {
		golden(t, part("sent"), nil)
	} else {
		req.Messages = append(req.Messages, resp.Message)
		for _, call := range resp.Message.Calls {
			req.Messages = append(req.Messages, llm.Message{Role: llm.RoleTool, CallID: call.ID})
		}
		req.OneCall = true
		req.MaxTokens = 2000
		req.Schema = &llm.Schema{Name: "verdict", JSON: json.RawMessage(`{"type":"object"}`)}
		if _, err := c.Complete(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		golden(t, part("sent"), indent(t, json.RawMessage(sent)))
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// newClient returns a client that talks to a server of ours as if it were
// the endpoint.
func newClient(t *testing.T, handler http.HandlerFunc, endpoint, model string) *openai.Client {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	caps := openai.Detect(endpoint, model)
	c, err := openai.New(openai.Config{
		BaseURL: srv.URL + "/v1/", APIKey: testKey, Model: model, Capabilities: &caps,
		Timeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// replay sends a recorded reply.
func replay(t *testing.T, w http.ResponseWriter, recorded []byte) {
	head, body, _ := bytes.Cut(recorded, []byte("\n\n"))
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\n\n"))), nil)
	if err != nil {
		t.Errorf("reading the recording: %v", err)
		return
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(bytes.TrimSpace(body))
}

func indent(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func golden(t *testing.T, part *txtar.File, got []byte) {
	t.Helper()
	if *update {
		part.Data = got
		return
	}
	if diff := cmp.Diff(string(part.Data), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", part.Name, diff)
	}
}
