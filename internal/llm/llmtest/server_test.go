package llmtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
)

const scriptFile = `
steps:
- text: looking
  calls: [{name: view, arguments: {path: main.go, max_lines: 10}}]
  usage: {input: 10, cached: 4, output: 2}
- fault: {status: 429, header: {Retry-After: "7"}, body: slow down}
- fault: {drop: true}
- calls: [{name: edit, arguments: '{"path": '}]
- judge: true
  times: -1
  object: {items: [1]}
- contains: magic
  text: found it
`

func post(t *testing.T, srv *httptest.Server, body string) (int, http.Header, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer k")
	resp, err := srv.Client().Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b), nil
}

func TestServer_playsScriptFile(t *testing.T) {
	t.Parallel()
	steps, err := llmtest.Parse([]byte(scriptFile))
	if err != nil {
		t.Fatal(err)
	}
	s := llmtest.NewServer(steps...)
	s.Key = "k"
	srv := httptest.NewServer(s)
	defer srv.Close()

	const hello = `{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"view","parameters":{"type":"object"}}}],"max_tokens":9}`
	status, _, body, err := post(t, srv, hello)
	want := `{"id":"chatcmpl-scripted","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"looking","tool_calls":[{"id":"call_1_0","type":"function","function":{"name":"view","arguments":"{\"max_lines\":10,\"path\":\"main.go\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}}`
	if err != nil || status != 200 || body != want {
		t.Errorf("got %d %v\n%s", status, err, cmp.Diff(want, body))
	}
	if status, header, body, err := post(t, srv, hello); err != nil || status != 429 || header.Get("Retry-After") != "7" || body != "slow down" {
		t.Errorf("fault: got %d %q %v", status, body, err)
	}
	if _, _, _, err := post(t, srv, hello); err == nil {
		t.Error("dropped connection: got no error")
	}
	if _, _, body, _ := post(t, srv, hello); !strings.Contains(body, `"arguments":"{\"path\": "`) {
		t.Errorf("raw arguments: got %s", body)
	}
	for range 2 {
		_, _, body, _ := post(t, srv, `{"messages":[{"role":"user","content":"d"}],"tool_choice":{"type":"function","function":{"name":"submit_verdict"}}}`)
		if !strings.Contains(body, `"name":"submit_verdict","arguments":"{\"items\":[1]}"`) {
			t.Errorf("judge: got %s", body)
		}
	}
	if status, _, body, _ := post(t, srv, hello); status != 400 || !strings.Contains(body, "no step left") {
		t.Errorf("only the contains step is left: got %d %s", status, body)
	}
	if _, _, body, _ := post(t, srv, `{"messages":[{"role":"user","content":[{"type":"text","text":"the magic word"}]}]}`); !strings.Contains(body, "found it") {
		t.Errorf("contains: got %s", body)
	}
	got := s.Requests()[0]
	wantReq := llm.Request{
		Messages:  []llm.Message{{Role: llm.RoleUser, Content: "hi"}},
		Tools:     []llm.Tool{{Name: "view", Schema: []byte(`{"type":"object"}`)}},
		MaxTokens: 9,
	}
	if diff := cmp.Diff(wantReq, got); diff != "" {
		t.Errorf("request seen (-want +got):\n%s", diff)
	}
	if string(s.Bodies()[0]) != hello {
		t.Errorf("body seen: %s", s.Bodies()[0])
	}
}

func TestServer_refusesAndProbes(t *testing.T) {
	t.Parallel()
	s := llmtest.NewServer(llmtest.Say("x"))
	srv := httptest.NewServer(s)
	defer srv.Close()
	status, _, body, _ := post(t, srv, `{"messages":[{"role":"user","content":"p"}],"tools":[{"function":{"name":"ping"}}]}`)
	if status != 200 || !strings.Contains(body, `"name":"ping"`) || s.Left() != 1 {
		t.Errorf("probe: got %d %s, left %d", status, body, s.Left())
	}
	if status, _, body, _ := post(t, srv, `{"messages":[{"role":"tool","tool_call_id":"a"}]}`); status != 400 || !strings.Contains(body, "no preceding") {
		t.Errorf("history: got %d %s", status, body)
	}
	s.Key = "other"
	if status, _, _, _ := post(t, srv, `{}`); status != 401 {
		t.Errorf("wrong key: got %d", status)
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"steps: []":                           "no steps",
		"steps:\n- txt: typo":                 "txt",
		"steps:\n- calls: [{}]":               "step 1",
		"steps:\n- fault: {delay: sometimes}": "delay",
	} {
		if _, err := llmtest.Parse([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", in, err, want)
		}
	}
}
