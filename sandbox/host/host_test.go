package host_test

import (
	"strings"
	"testing"

	"honk/sandbox"
	"honk/sandbox/host"
	"honk/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandboxtest.Main(m, host.New(host.Options{}))
}

func TestBackend(t *testing.T) {
	t.Parallel()
	sandboxtest.Run(t, host.New(host.Options{}))
}

func TestStart_image(t *testing.T) {
	t.Parallel()
	_, err := host.New(host.Options{}).Start(t.Context(), sandbox.Spec{Label: "x", Dir: t.TempDir(), RootFS: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "--sandbox bwrap") {
		t.Errorf("got %v, want a refusal", err)
	}
}
