package tree

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIgnores(t *testing.T) {
	t.Parallel()
	top := ignores(nil).with(".", "# comment\n*.log\n!keep.log\n/top\nbuild/\na/**/z\n{x}\n\\#odd\nspace \n")
	sub := top.with("sub", "/here\n!*.log\n")
	got := map[string]bool{}
	for _, p := range []string{
		"x.log", "d/x.log", "keep.log", "top", "d/top", "build", "build/", "a/z", "a/b/c/z",
		"{x}", "x", "#odd", "# comment", "space", "sub/here", "sub/d/here", "sub/x.log", "d/here",
	} {
		name, dir := strings.CutSuffix(p, "/")
		rules := top
		if strings.HasPrefix(p, "sub/") {
			rules = sub
		}
		if rules.match(name, dir) {
			got[p] = true
		}
	}
	want := map[string]bool{
		"x.log": true, "d/x.log": true, "top": true, "build/": true, "a/z": true, "a/b/c/z": true,
		"{x}": true, "#odd": true, "space": true, "sub/here": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
}
