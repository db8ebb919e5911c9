package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/internal/config"
	"honk/internal/config/registry"
)

func TestParse(t *testing.T) {
	t.Parallel()
	// auth is ada:pa55word.
	text := `{"auths": {
		"images.acme.example": {"auth": "YWRhOnBhNTV3b3Jk"},
		"https://index.docker.io/v1/": {"username": "bob", "password": "other-pa55"},
		"docker.io.example:5000": {"identitytoken": "token-1"},
		"127.0.0.1:5000": {"registrytoken": "token-2"}}, "HttpHeaders": {"User-Agent": "x"}}`
	got, err := registry.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]registry.Login{
		"images.acme.example":    {Username: "ada", Password: "pa55word"},
		"index.docker.io":        {Username: "bob", Password: "other-pa55"},
		"docker.io.example:5000": {IdentityToken: "token-1"},
		"127.0.0.1:5000":         {RegistryToken: "token-2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	known := (&config.Config{Registry: config.Registry{Config: config.Secret(text)}}).Known()
	for _, secret := range []string{"pa55word", "other-pa55", "YWRhOnBhNTV3b3Jk"} {
		if !slices.Contains(known, secret) {
			t.Errorf("%q is not known as a secret", secret)
		}
	}
	if said := fmt.Sprintf("%v %+v %#v %s", got, got, got, got["127.0.0.1:5000"]); strings.Contains(said, "token-") || strings.Contains(said, "pa55") {
		t.Errorf("printed: %s", said)
	}
	if none, err := registry.Parse(""); none != nil || err != nil {
		t.Errorf("without a file: %v, %v", none, err)
	}
}

func TestLoad_registry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"nonsense": {"pa55word", "is not JSON"},
		"user":     {`{"auths": {"a.example": {"auth": "cGE1NXdvcmQ="}}}`, `"a.example" that is not user:password`},
		"auth":     {`{"auths": {"a.example": {"auth": "pa55word"}}}`, `"a.example" that is not user:password`},
		"helper":   {`{"auths": {"a.example": {}}, "credsStore": "x"}`, `"a.example" without a login`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(map[string]string{"HOME": t.TempDir(), "HONK_REGISTRY_CONFIG": tt.text})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "pa55word") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if !slices.Contains(config.SecretNames(), "HONK_REGISTRY_CONFIG") {
		t.Error("a sandbox could see HONK_REGISTRY_CONFIG")
	}
}
