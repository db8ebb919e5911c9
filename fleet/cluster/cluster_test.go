package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/fleet/cluster"
)

// gomod is a change of the Go version, as it differs between repositories.
func gomod(module, from, to string) []byte {
	return fmt.Appendf(nil, `diff --git a/go.mod b/go.mod
index 1111111..2222222 100644
--- a/go.mod
+++ b/go.mod
@@ -1,5 +1,5 @@
 module %s
 
-go %s
+go %s
 
 require (
`, module, from, to)
}

const removed = `diff --git a/.travis.yml b/.travis.yml
deleted file mode 100644
index 1111111..0000000
--- a/.travis.yml
+++ /dev/null
@@ -1,2 +0,0 @@
-language: go
-go: 1.20
`

func TestGroup(t *testing.T) {
	t.Parallel()
	items := []cluster.Item{
		{Key: "a", Shape: cluster.Of(gomod("a.example/a", "1.25", "1.26"))},
		{Key: "b", Shape: cluster.Of(gomod("b.example/b", "1.25", "1.26"))},
		{Key: "c", Shape: cluster.Of(gomod("c.example/c", "1.24.1", "1.26"))},
		{Key: "d", Shape: cluster.Of([]byte(removed))},
		{Key: "e", Shape: cluster.Of(nil)},
	}
	got := cluster.Group(items)
	for i := range got {
		got[i].ID = ""
	}
	want := []cluster.Cluster{
		{Sample: "a", Exact: []string{"a", "b"}, Near: []string{"c"}},
		{Sample: "d", Exact: []string{"d"}, Outlier: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("clusters (-want +got):\n%s", diff)
	}
}

func TestOf_shape(t *testing.T) {
	t.Parallel()
	base := cluster.Of(gomod("a", "1.25", "1.26"))
	if base.Files != 1 || base.Lines != 2 {
		t.Errorf("shape = %+v", base)
	}
	twice := cluster.Of(append(gomod("a", "1.25", "1.26"), []byte(strings.ReplaceAll(string(gomod("a", "1.24", "1.26")), "go.mod", "tool/go.mod"))...))
	if twice.ID != base.ID || twice.Exact == base.Exact {
		t.Errorf("the same change in two files: %+v, want the shape of %+v", twice, base)
	}
	more := cluster.Of([]byte(string(gomod("a", "1.25", "1.26")) + "@@ -9,1 +9,1 @@\n-exec(`x`)\n+panic()\n"))
	if more.ID == base.ID {
		t.Error("a further hunk does not change the shape")
	}
	if added := cluster.Of([]byte(strings.Replace(removed, "deleted file", "new file", 1))); added.ID == cluster.Of([]byte(removed)).ID {
		t.Error("an added file has the shape of a deleted one")
	}
}

func FuzzOf(f *testing.F) {
	f.Add(gomod("a", "1", "2"))
	f.Add([]byte(removed))
	f.Fuzz(func(t *testing.T, diff []byte) {
		s := cluster.Of(diff)
		if (s.Files == 0) != (s.ID == "") {
			t.Errorf("Of(%q) = %+v", diff, s)
		}
	})
}
