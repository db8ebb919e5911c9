package migrations_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"testing"

	"honk/migrations"
)

// TestFiles_released holds released migrations to what they were: databases
// that have run them are never told of a change.
func TestFiles_released(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"00001_start.sql": "079d4133716422bbcc74a839ad0364dfafb18db73b8a47192523dcee3ab1873d",
	} {
		raw, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(raw)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s is not what was released (%s); put the change into a new file", name, got)
		}
	}
}
