package verify_test

import (
	"testing"
	"testing/fstest"

	"honk/verify"

	"github.com/google/go-cmp/cmp"
)

func TestProof_Plan(t *testing.T) {
	t.Parallel()
	base := fstest.MapFS{"go.mod": {Data: []byte("module x\n")}, "web/go.mod": {Data: []byte("module y\n")}}
	found := verify.Detect(base, []verify.Command{{Name: "own", Run: "sh own.sh"}})
	names := func(plan []verify.Verifier) (out []string) {
		for _, v := range plan {
			out = append(out, v.Name)
		}
		return out
	}
	run := []verify.Command{{Run: "go vet ./..."}, {Run: "go vet ./...", Dir: "web"}, {Name: "own", Run: "true"}, {Name: "style", Kind: "lint", Run: "true"}}
	tests := map[string]struct {
		proof verify.Proof
		want  []string
	}{
		"nothing": {verify.Proof{}, names(found)},
		"strict":  {verify.Proof{Strict: true}, names(found)},
		"alone":   {verify.Proof{Alone: true, Run: run}, []string{"style", "go vet ./...", "go vet ./... #2", "own"}},
		"none":    {verify.Proof{Alone: true}, nil},
		"beside":  {verify.Proof{Run: []verify.Command{{Name: "own", Run: "true"}}}, append(names(found), "own #2")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, names(tt.proof.Plan(found))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A change that adds nothing red passes where the base is as red, unless the
// proof is strict; one that loses tests fails in any case.
func TestProof_Base(t *testing.T) {
	t.Parallel()
	broken := verify.Result{Name: "lint", Kind: verify.Lint, Status: verify.Broken, Reason: "lint: command not found"}
	red := failure("TestA", "is wrong")
	tests := map[string]struct {
		base, head verify.Result
		loose      bool
		strict     bool
	}{
		"as red":     {tests(verify.Fail, []string{"TestB"}, red), tests(verify.Fail, []string{"TestB"}, red), true, false},
		"red exit":   {build(verify.Fail), build(verify.Fail), true, false},
		"mended":     {tests(verify.Fail, []string{"TestB"}, red), tests(verify.Pass, []string{"TestA", "TestB"}), true, true},
		"green":      {tests(verify.Pass, []string{"TestB"}), tests(verify.Pass, []string{"TestB"}), true, true},
		"vanished":   {tests(verify.Pass, []string{"TestB", "TestC"}), tests(verify.Pass, []string{"TestB"}), false, false},
		"not made":   {broken, broken, true, false},
		"newly made": {broken, verify.Result{Name: "lint", Kind: verify.Lint, Status: verify.Pass}, true, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, head := report(tt.base), report(tt.head)
			for strict, want := range map[bool]bool{false: tt.loose, true: tt.strict} {
				gate := verify.Compare(verify.Proof{Strict: strict}.Base(base), head)
				if gate.Passed != want {
					t.Errorf("strict %v: passed %v, want %v (%v)", strict, gate.Passed, want, gate.Reasons)
				}
			}
			if diff := cmp.Diff(report(tt.base), base); diff != "" {
				t.Errorf("the base's report was changed:\n%s", diff)
			}
		})
	}
}

// What a proof adds runs whatever has changed, and does not keep what else
// would run from running.
func TestRun_always(t *testing.T) {
	t.Parallel()
	sb := newSandbox(t, t.TempDir())
	plan := verify.Proof{Run: []verify.Command{{Name: "further", Run: "true"}}}.Plan(
		verify.Detect(fstest.MapFS{}, []verify.Command{{Name: "web", Run: "true", Dir: "."}, {Name: "deep", Run: "true", Dir: "deep"}})[1:])
	for changed, want := range map[string][]string{"deep/x": {"deep", "further"}, "x": {"deep", "further"}} {
		rep, err := verify.Run(t.Context(), sb, plan, verify.Options{Changed: []string{changed}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, res := range rep.Results {
			got = append(got, res.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s changed (-want +got):\n%s", changed, diff)
		}
	}
}
