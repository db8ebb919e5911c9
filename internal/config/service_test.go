package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/internal/config"
)

func TestLoadService_allProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.LoadService(map[string]string{"HONK_SANDBOX": "host", "HONK_LISTEN": "here"},
		config.Need{Webhooks: true, SharedDatabase: true})
	if err == nil {
		t.Fatal("no problem was found")
	}
	for _, want := range []string{
		"HONK_LISTEN", "HONK_LLM_BASE_URL", "HONK_LLM_MODEL", "HONK_GITHUB_APP_ID", "HONK_GITHUB_WEBHOOK_SECRET",
		"HONK_DATABASE_URL", "HONK_SANDBOX is host",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in:\n%v", want, err)
		}
	}
}

func TestLoadService_prices(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "honk.yaml")
	if err := os.WriteFile(file, []byte("service: {budget: {day_usd: 10}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.LoadService(map[string]string{
		"HONK_CONFIG": file, "HONK_LLM_BASE_URL": "http://localhost/v1", "HONK_LLM_MODEL": "big",
	}, config.Need{})
	if err == nil || !strings.Contains(err.Error(), `needs the price of model "big"`) {
		t.Errorf("got %v", err)
	}
}
