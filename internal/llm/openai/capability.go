package openai

import (
	"net/url"
	"strings"
)

// Capabilities is what an endpoint understands beyond the common core of the
// protocol.
type Capabilities struct {
	// ParallelTools: it may be told parallel_tool_calls.
	ParallelTools bool
	// StrictSchema: it enforces a response schema that is marked strict.
	StrictSchema bool
	// ResponseFormat: it honours response_format with a JSON schema.
	ResponseFormat bool
	// EchoReasoning: reasoning fields and thought signatures of a reply go
	// back to it with the history. Otherwise they are dropped.
	EchoReasoning bool
	// MaxTokensField is max_tokens or max_completion_tokens.
	MaxTokensField string
	// Temperature: it accepts one.
	Temperature bool
	// Images: it takes images. No endpoint is assumed to: it is the model that
	// does or not.
	Images bool
	// CutsPrompts: it drops the start of a long prompt without saying so.
	CutsPrompts bool
}

// provider is a known endpoint: by host, or by port where it has no host of
// its own.
type provider struct {
	host, port string
	caps       Capabilities
}

func providers() []provider {
	const classic, newer = "max_tokens", "max_completion_tokens"
	return []provider{
		{host: "api.openai.com", caps: Capabilities{
			ParallelTools: true, StrictSchema: true, ResponseFormat: true, MaxTokensField: newer, Temperature: true,
		}},
		{host: "openai.azure.com", caps: Capabilities{
			ParallelTools: true, StrictSchema: true, ResponseFormat: true, MaxTokensField: newer, Temperature: true,
		}},
		{host: "api.anthropic.com", caps: Capabilities{
			ParallelTools: true, MaxTokensField: classic, Temperature: true,
		}},
		{host: "generativelanguage.googleapis.com", caps: Capabilities{
			ResponseFormat: true, EchoReasoning: true, MaxTokensField: classic, Temperature: true,
		}},
		{host: "api.deepseek.com", caps: Capabilities{
			EchoReasoning: true, MaxTokensField: classic, Temperature: true,
		}},
		{host: "openrouter.ai", caps: Capabilities{
			ParallelTools: true, EchoReasoning: true, MaxTokensField: classic, Temperature: true,
		}},
		{port: "11434", caps: Capabilities{
			ResponseFormat: true, MaxTokensField: classic, Temperature: true, CutsPrompts: true,
		}},
		// Everything else: vLLM, llama.cpp, proxies. They ignore what they do
		// not know and only get back what they sent themselves.
		{caps: Capabilities{EchoReasoning: true, MaxTokensField: classic, Temperature: true}},
	}
}

// Detect returns what is assumed of a model at a base URL.
func Detect(baseURL, model string) Capabilities {
	u, err := url.Parse(baseURL)
	if err != nil {
		u = &url.URL{}
	}
	host := u.Hostname()
	for _, p := range providers() {
		if p.host != "" && host != p.host && !strings.HasSuffix(host, "."+p.host) || p.port != "" && u.Port() != p.port {
			continue
		}
		p.caps.Temperature = p.caps.Temperature && !fixedTemperature(model)
		return p.caps
	}
	return Capabilities{}
}

// fixedTemperature reports whether a name is that of a model that refuses a
// temperature: OpenAI's reasoning families, whoever serves them.
func fixedTemperature(model string) bool {
	if i := strings.LastIndexByte(model, '/'); i >= 0 {
		model = model[i+1:]
	}
	for _, prefix := range []string{"gpt-5", "gpt-6", "o1", "o3", "o4"} {
		rest, ok := strings.CutPrefix(model, prefix)
		if ok && (rest == "" || strings.ContainsAny(rest[:1], "-.")) {
			return true
		}
	}
	return false
}
