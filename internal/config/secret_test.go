package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"honk/internal/config"
)

func TestSecret_neverShows(t *testing.T) {
	t.Parallel()
	const value = "hunter2-hunter2"
	s := config.Secret(value)
	cfg := config.Config{LLM: config.LLM{APIKey: s}, DatabaseURL: s}

	asJSON, err := json.Marshal(map[string]any{"secret": s, "config": cfg})
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(struct{ S config.Secret }{s})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "secret", s, "config", cfg, "pointer", &s)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "secret", s, "config", cfg)

	shown := map[string]string{"json": string(asJSON), "yaml": string(asYAML), "slog": log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		shown[verb] = fmt.Sprintf(verb, s)
		shown["config "+verb] = fmt.Sprintf(verb, cfg)
		shown["list "+verb] = fmt.Sprintf(verb, []config.Secret{s})
	}
	for how, text := range shown {
		if strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) ||
			strings.Contains(text, fmt.Sprintf("%X", value)) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
		if !strings.Contains(text, "[redacted]") {
			t.Errorf("%s does not say [redacted]: %s", how, text)
		}
	}
	if s.Reveal() != value {
		t.Errorf("Reveal() = %q, want the value", s.Reveal())
	}
}
