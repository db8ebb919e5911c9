package bwrap_test

import (
	"testing"

	"honk/sandbox/bwrap"
	"honk/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandboxtest.Main(m, bwrap.New(bwrap.Options{}))
}

func TestBackend(t *testing.T) {
	t.Parallel()
	sandboxtest.Run(t, bwrap.New(bwrap.Options{}))
}
