package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/llm/openai"
)

func ask(text string) llm.Request {
	return llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: text}}}
}

// config is that of a client of srv.
func config(url string) openai.Config {
	return openai.Config{
		BaseURL: url + "/v1", APIKey: testKey, Model: "m",
		Timeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
	}
}

func mustNew(t testing.TB, cfg openai.Config) *openai.Client {
	t.Helper()
	c, err := openai.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestMeter_survivesTheWire sends each fault once and then an answer.
func TestMeter_survivesTheWire(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]llmtest.Fault{
		"rate limit":     {Status: 429, Header: map[string]string{"Retry-After-Ms": "1"}, Body: `{"error":{"message":"slow"}}`},
		"server error":   {Status: 500, Body: "oops"},
		"overloaded":     {Status: 529, Body: `{"error":{"type":"overloaded_error","message":"Overloaded"}}`},
		"dropped":        {Drop: true},
		"error in a 200": {Status: 200, Body: `{"error":{"message":"upstream died","code":502}}`},
		"no choices":     {Status: 200, Body: `{"choices":[]}`},
		"half a reply":   {Status: 200, Header: map[string]string{"Content-Length": "1000"}, Body: `{"choices":[{"mess`},
		"empty":          {Status: 200, Body: `{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := llmtest.NewServer(llmtest.Step{Fault: &fault}, llmtest.Say("made it"))
			srv := httptest.NewServer(s)
			defer srv.Close()
			var waits []llm.Wait
			m := llm.NewMeter(llm.MeterConfig{
				Model: mustNew(t, config(srv.URL)),
				Retry: llm.Retry{Min: time.Millisecond, Max: 2 * time.Millisecond, NoticeFunc: func(w llm.Wait) { waits = append(waits, w) }},
			})
			resp, err := m.Complete(t.Context(), ask("hi"))
			if err != nil || resp.Message.Content != "made it" {
				t.Fatalf("got %+v, %v", resp, err)
			}
			if name != "empty" && (len(waits) != 1 || waits[0].Try != 2) {
				t.Errorf("waits: %+v, want one", waits)
			}
			if len(s.Requests()) != 2 {
				t.Errorf("sent %d requests, want 2", len(s.Requests()))
			}
		})
	}
}

func TestClient_lostOrNot(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	drop := httptest.NewServer(llmtest.NewServer(llmtest.Step{Times: -1, Fault: &llmtest.Fault{Drop: true}}))
	defer drop.Close()
	slow := httptest.NewServer(llmtest.NewServer(llmtest.Step{Times: -1, Fault: &llmtest.Fault{Delay: time.Minute}}))
	defer slow.Close()
	for _, tt := range []struct {
		name, url, want string
		lost            bool
	}{
		{"nobody listens", closed.URL, "cannot reach the endpoint", false},
		{"unknown host", "http://nowhere.invalid", "cannot reach the endpoint", false},
		{"dropped", drop.URL, "connection broke", true},
		{"too slow", slow.URL, "no complete reply within 50ms", true},
	} {
		cfg := config(tt.url)
		if tt.name == "too slow" {
			cfg.Timeout = 50 * time.Millisecond
		}
		_, err := mustNew(t, cfg).Complete(t.Context(), ask("hi"))
		e, ok := errors.AsType[*llm.Error](err)
		if !ok || e.Class != llm.ClassTransient || e.Lost != tt.lost || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%s: got %#v, want lost %t and %q", tt.name, err, tt.lost, tt.want)
		}
	}
}

func TestClient_stopsWithItsContext(t *testing.T) {
	t.Parallel()
	stop := errors.New("the user pressed a key")
	ctx, cancel := context.WithCancelCause(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel(stop)
		<-r.Context().Done()
	}))
	defer srv.Close()
	if _, err := mustNew(t, config(srv.URL)).Complete(ctx, ask("hi")); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
}

func TestClient_refusesAHugeReply(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := bytes.Repeat([]byte("x"), 1<<20)
		for range 64 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	_, err := mustNew(t, config(srv.URL)).Complete(t.Context(), ask("hi"))
	if llm.ClassOf(err) != llm.ClassCaller || !strings.Contains(err.Error(), "8 MiB") {
		t.Errorf("got %v", err)
	}
}

// TestClient_keepsTheKey lets endpoints repeat the key in every way an error
// can come about.
func TestClient_keepsTheKey(t *testing.T) {
	t.Parallel()
	key := "sk-proj-" + strings.Repeat("Ab3", 20)
	var log bytes.Buffer
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	answers := []func(w http.ResponseWriter){
		func(w http.ResponseWriter) { http.Error(w, "bad key "+key, 401) },
		func(w http.ResponseWriter) { http.Error(w, `{"error":{"message":"bad key `+key+`"}}`, 500) },
		func(w http.ResponseWriter) { http.Error(w, `[{"error":"`+key+`"}]`, 429) },
		func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"error":"` + key + `"}`)) },
		func(w http.ResponseWriter) { _, _ = w.Write([]byte(`not json ` + key)) },
		func(w http.ResponseWriter) { _, _ = w.Write([]byte(strings.Repeat(key, 1<<18))) },
		func(w http.ResponseWriter) {
			w.Header().Set("Location", other.URL+"/"+key)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		func(w http.ResponseWriter) { http.Error(w, strings.Repeat("x", 290)+key, 400) },
	}
	for i, answer := range answers {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+key {
				t.Errorf("answer %d: the key was not sent", i)
			}
			answer(w)
		}))
		defer srv.Close()
		cfg := config(srv.URL)
		cfg.APIKey, cfg.Log = key, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		_, err := mustNew(t, cfg).Complete(t.Context(), ask("hi"))
		if err == nil {
			t.Errorf("answer %d: got no error", i)
			continue
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if text := fmt.Sprintf("%v %+v", e, e); strings.Contains(text, key[:20]) || strings.Contains(text, key[len(key)-20:]) {
				t.Errorf("answer %d: the key is in %T", i, e)
			}
		}
		if e, _ := errors.AsType[*llm.Error](err); len([]rune(e.Message)) > 300 {
			t.Errorf("answer %d: message of %d characters", i, len([]rune(e.Message)))
		}
	}
	if strings.Contains(log.String(), key[:20]) || log.Len() == 0 {
		t.Errorf("log: %s", log.String())
	}
	if elsewhere != 0 {
		t.Error("a redirect was followed to another host")
	}
}

// TestClient_leavesNamesToTheEndpoint uses names at which go-openai refuses
// output caps, temperatures or tools, whoever serves them.
func TestClient_leavesNamesToTheEndpoint(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gpt-5", "gpt-6-sol", "o1-mini", "o3-local", "o4", "davinci", "Qwen/Qwen3-32B"} {
		s := llmtest.NewServer(llmtest.Say("ok"))
		srv := httptest.NewServer(s)
		cfg := config(srv.URL)
		cfg.Model, cfg.Temperature = name, 0.5
		caps := openai.Capabilities{MaxTokensField: "max_tokens", Temperature: true}
		cfg.Capabilities = &caps
		req := ask("hi")
		req.Tools = []llm.Tool{{Name: "view", Schema: json.RawMessage(`{}`)}}
		_, err := mustNew(t, cfg).Complete(t.Context(), req)
		srv.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body := string(s.Bodies()[0])
		for _, want := range []string{`"model":"` + name + `"`, `"max_tokens":8192`, `"temperature":0.5`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %s is not in %s", name, want, body)
			}
		}
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, model, key, want string }{
		{"", "m", "", "base URL"},
		{"api.openai.com/v1", "m", "", "https://host"},
		{"ftp://host/v1", "m", "", "https://host"},
		{"https://user:secret@host/v1", "m", "", "not allowed"},
		{"https://host/v1?key=secret", "m", "", "not allowed"},
		{"https://host/v1", "", "", "no name"},
		{"https://host/v1", "m", "secret\n", "API key"},
	} {
		_, err := openai.New(openai.Config{BaseURL: tt.url, Model: tt.model, APIKey: tt.key})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want %q", tt.url, err, tt.want)
		}
	}
}

// TestSigns sends each text by which an error gives away its class.
func TestSigns(t *testing.T) {
	t.Parallel()
	for class, texts := range map[llm.Class][]string{
		llm.ClassContext: {
			"prompt is too long: 9 > 8", "Context length exceeded", "context_length_exceeded",
			"Please reduce the length of the messages", "the request exceeds the available context size",
			"input length and `max_tokens` exceed context limit: 1 + 2 > 2", "Your input exceeds the context window of this model",
			"context window exceeds limit", "The input token count (9) exceeds the maximum number of tokens allowed (8).",
		},
		llm.ClassHistory: {
			"`tool_use` ids were found without `tool_result` blocks immediately after",
			"`tool_result` block must have a corresponding `tool_use` block in the previous message",
			"must be followed by tool messages responding to each 'tool_call_id'",
			"messages with role 'tool' must be a response to a prece" + "eding message with 'tool_calls'",
			"Failed to parse tool call arguments as JSON", "each tool_use must have a single result",
		},
		llm.ClassQuota:  {"insufficient_quota", "Insufficient credits", "Insufficient Balance", "Your credit balance is too low"},
		llm.ClassPolicy: {"content_policy_violation", "content filtering policy", "content management policy"},
		llm.ClassCaller: {"tools param requires --jinja flag"},
	} {
		for _, text := range texts {
			for _, body := range []string{text, string(escape(t, text)), `{"object":"error","message":` + string(escape(t, text)) + `}`} {
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusInternalServerError)
					_, _ = io.WriteString(w, body)
				}))
				_, err := mustNew(t, config(srv.URL)).Complete(t.Context(), ask("hi"))
				srv.Close()
				if llm.ClassOf(err) != class {
					t.Errorf("%s: got %v, want %s", body, err, class)
				}
			}
		}
	}
}

// escape writes a JSON string as some servers do: quotes as \u escapes.
func escape(t *testing.T, s string) []byte {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("'"), []byte(`\u0027`)), []byte("`"), []byte(`\u0060`))
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		header map[string]string
		want   time.Duration
	}{
		{map[string]string{"Retry-After": "20"}, 20 * time.Second},
		{map[string]string{"Retry-After": "1.5"}, 1500 * time.Millisecond},
		{map[string]string{"Retry-After": "-3"}, 0},
		{map[string]string{"Retry-After": "soon"}, 0},
		{map[string]string{"Retry-After": "1e300"}, 24 * time.Hour},
		{map[string]string{"Retry-After": "20", "Retry-After-Ms": "250"}, 250 * time.Millisecond},
		{map[string]string{"Retry-After": "Mon, 02 Jan 2006 15:04:35 GMT", "Date": "Mon, 02 Jan 2006 15:04:05 GMT"}, 30 * time.Second},
		{map[string]string{"Retry-After": "Mon, 02 Jan 2006 15:04:00 GMT", "Date": "Mon, 02 Jan 2006 15:04:05 GMT"}, 0},
		{map[string]string{"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1m2s", "X-Ratelimit-Remaining-Tokens": "5", "X-Ratelimit-Reset-Tokens": "6m0s"}, 62 * time.Second},
		{map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "12"}, 12 * time.Second},
		{map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": fmt.Sprint(now.Add(-time.Hour).Unix())}, 0},
		{map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "x"}, 0},
		{nil, 0},
	} {
		srv := httptest.NewServer(llmtest.NewServer(llmtest.Step{Fault: &llmtest.Fault{Status: 429, Header: tt.header}}))
		_, err := mustNew(t, config(srv.URL)).Complete(t.Context(), ask("hi"))
		srv.Close()
		e, ok := errors.AsType[*llm.Error](err)
		if !ok || e.RetryAfter != tt.want {
			t.Errorf("%v: got %v, want %v", tt.header, err, tt.want)
		}
	}
}

// TestTestdata_holdsNoSecret keeps credentials out of what is checked in.
func TestTestdata_holdsNoSecret(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(?i)authorization|cookie|bearer |sk-(ant|proj|or)-|AIza[0-9A-Za-z_-]{10}|x-api-key`)
	seen := 0
	err := filepath.WalkDir("testdata", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if m := secret.Find(data); m != nil {
			t.Errorf("%s contains %q", path, m)
		}
		seen++
		return err
	})
	if err != nil || seen < 40 {
		t.Errorf("looked at %d files: %v", seen, err)
	}
}
