package server_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"honk/internal/postgres/server"
)

func TestPrograms(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "postgres")
	bin, version, err := server.Programs(t.Context(), dir)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err != nil {
		t.Error(err)
	}
	if n, err := strconv.Atoi(version); err != nil || n < 10 {
		t.Errorf("version %q is no major version", version)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking has made %q: %v", dir, err)
	}
}
