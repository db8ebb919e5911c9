package disk

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Load reads what Store has written into v, and reports whether it is there and
// younger than age.
func Load(file string, age time.Duration, v any) bool {
	info, err := os.Stat(file)
	if err != nil || time.Since(info.ModTime()) > age {
		return false
	}
	raw, err := os.ReadFile(file)
	return err == nil && json.Unmarshal(raw, v) == nil
}

// Store writes v into a file at once, so that nobody reads half of it.
func Store(file string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), "new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
