package openai_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
)

func TestClient_conforms(t *testing.T) {
	t.Parallel()
	err := llmtest.Conform(t.Context(), func(script ...llmtest.Step) llm.Model {
		srv := httptest.NewServer(llmtest.NewServer(script...))
		t.Cleanup(srv.Close)
		return mustNew(t, config(srv.URL))
	})
	if err != nil {
		t.Error(err)
	}
}

// FuzzReply lets an endpoint answer anything: the client returns a message
// that can be sent back, or an error with a class.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		benchReply, "", "null", "[]", `{"choices":[null]}`, `{"choices":[{"message":{}}]}`, `{"error":[]}`,
		`{"choices":[{"message":{"tool_calls":[null,{},{"id":null,"function":null},{"id":"a","function":{"arguments":[1,{}]}},{"id":"a"}]}}]}`,
		`[{"error":{"message":["a"],"code":429}}]`, `{"choices":[{"message":{"content":[{"text":1}]},"error":{"code":"x"}}]}`,
	} {
		f.Add(200, []byte(seed))
		f.Add(429, []byte(seed))
	}
	var status int
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	f.Cleanup(srv.Close)
	c := mustNew(f, config(srv.URL))
	f.Fuzz(func(t *testing.T, code int, reply []byte) {
		if code < 200 || code > 599 || code == 204 || code == 304 {
			t.Skip()
		}
		status, body = code, reply
		req := ask("hi")
		resp, err := c.Complete(t.Context(), req)
		if err != nil {
			if llm.ClassOf(err) == "" {
				t.Errorf("%d %q: %v has no class", code, reply, err)
			}
			return
		}
		req.Messages = append(req.Messages, resp.Message)
		for i := range resp.Message.Calls {
			resp.Message.Calls[i].Arguments = "{}"
			req.Messages = append(req.Messages, llm.Message{Role: llm.RoleTool, CallID: resp.Message.Calls[i].ID})
		}
		status, body = 200, []byte(benchReply)
		if _, err := c.Complete(t.Context(), req); err != nil {
			t.Errorf("%q: the next request: %v", reply, err)
		}
	})
}
