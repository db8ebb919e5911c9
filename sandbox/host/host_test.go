package host_test

import (
	"testing"

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
