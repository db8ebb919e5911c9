package keep_test

import (
	"strings"
	"testing"

	"honk/fleet/manifest"
	"honk/integrations/shift/keep"
)

func TestPossible(t *testing.T) {
	t.Parallel()
	image := &manifest.Container{Image: "images.acme.example/fix@sha256:" + strings.Repeat("0", 64), Network: "none"}
	tests := map[string]struct {
		change func(*manifest.Spec)
		want   string
	}{
		"container":         {func(s *manifest.Spec) { s.Transform.Container = image }, ""},
		"verify":            {func(s *manifest.Spec) { s.Verify = manifest.Verify{Run: []string{"true"}} }, ""},
		"container network": {func(s *manifest.Spec) { s.Transform.Container = &manifest.Container{Network: "full"} }, "f.yaml: spec.transform.container.network: full cannot be done yet"},
		"script network":    {func(s *manifest.Spec) { s.Transform.Script = &manifest.Script{Network: "full"} }, "f.yaml: spec.transform.script.network: full cannot be done yet"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &manifest.Manifest{}
			tt.change(&m.Spec)
			got := ""
			if err := keep.Possible("f.yaml", m); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
