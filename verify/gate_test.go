package verify_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/verify"
	"honk/verify/parse"
)

func report(results ...verify.Result) verify.Report {
	for i, r := range results {
		for j, f := range r.Findings {
			results[i].Findings[j] = parse.Sign(r.Name, f)
		}
	}
	return verify.Report{Results: results}
}

func tests(status verify.Status, passed []string, failed ...verify.Finding) verify.Result {
	r := verify.Result{Name: "go test", Kind: verify.Test, Status: status, TestsKnown: true, Passed: passed, Findings: failed}
	r.TestIDs = append(r.TestIDs, passed...)
	for _, f := range failed {
		if f.TestID != "" {
			r.TestIDs = append(r.TestIDs, f.TestID)
		}
	}
	r.TestsRun = len(r.TestIDs)
	return r
}

func build(status verify.Status, findings ...verify.Finding) verify.Result {
	return verify.Result{Name: "go build", Kind: verify.Build, Status: status, Reason: "reason", Findings: findings}
}

func failure(id, message string) verify.Finding {
	return verify.Finding{TestID: id, File: "a_test.go", Line: 3, Message: message}
}

func TestCompare_rules(t *testing.T) {
	t.Parallel()
	unknown := verify.Result{Name: "go test", Kind: verify.Test, Status: verify.Pass}
	counted := func(n int) verify.Result {
		return verify.Result{Name: "go test", Kind: verify.Test, Status: verify.Pass, TestsKnown: true, TestsRun: n}
	}
	partial := tests(verify.Pass, []string{"a"})
	partial.Partial = true
	for _, tt := range []struct {
		name       string
		base, head verify.Result
		opts       []verify.CompareOption
		reasons    []string // prefixes; none means that it passes
		notes      []string // parts of all notes
	}{
		{name: "both pass", base: build(verify.Pass), head: build(verify.Pass), notes: []string{"reason"}},
		{
			name: "new finding blocks", base: build(verify.Pass), head: build(verify.Fail, verify.Finding{File: "a.go", Message: "x"}),
			reasons: []string{"go build: 1 new finding, first a.go: x"},
		},
		{
			name: "old finding at another line does not",
			base: build(verify.Fail, verify.Finding{File: "a.go", Line: 3, Message: "took 3.2s at 0xc000123"}),
			head: build(verify.Fail, verify.Finding{File: "a.go", Line: 9, Message: "took 4.7s at 0xc000999"}), notes: []string{"red on the base"},
		},
		{
			name: "old and new", base: build(verify.Fail, verify.Finding{Message: "x"}),
			head: build(verify.Fail, verify.Finding{Message: "x"}, verify.Finding{Message: "y"}), reasons: []string{"go build: 1 new finding, first y"},
		},
		{name: "failing without a finding", base: build(verify.Pass), head: build(verify.Fail), reasons: []string{"go build fails now"}},
		{name: "broken on the base is advice", base: build(verify.Broken), head: build(verify.Fail, verify.Finding{Message: "x"}), notes: []string{"does not count", "proves nothing"}},
		{name: "no end on the base is advice", base: build(verify.Timeout), head: build(verify.Timeout), notes: []string{"does not count", "proves nothing"}},
		{name: "broken now blocks", base: build(verify.Pass), head: build(verify.Broken), reasons: []string{"go build could not be checked: reason, and it worked"}},
		{name: "broken after red blocks", base: build(verify.Fail, verify.Finding{Message: "x"}), head: build(verify.Broken), reasons: []string{"go build could not be checked"}},
		{name: "no end now blocks", base: build(verify.Pass), head: build(verify.Timeout), reasons: []string{"go build could not be checked"}},
		{name: "vanished", base: tests(verify.Pass, []string{"a", "b"}), head: tests(verify.Pass, []string{"a"}), reasons: []string{"go test: 1 test passed on the base commit and did not run, first b"}},
		{name: "vanished as asked", base: tests(verify.Pass, []string{"a", "b"}), head: tests(verify.Pass, []string{"a"}), opts: []verify.CompareOption{verify.AllowVanished()}, notes: []string{"as was asked"}},
		{name: "a failing test may go", base: tests(verify.Fail, []string{"a"}, failure("b", "x")), head: tests(verify.Pass, []string{"a"})},
		{name: "vanished but for an address", base: tests(verify.Pass, []string{"a/0xc0001"}), head: tests(verify.Pass, []string{"a/0xc0002"})},
		{name: "partial runs lose nothing", base: tests(verify.Pass, []string{"a", "b"}), head: partial, notes: []string{"only the tests of what changed"}},
		{name: "zero tests now", base: tests(verify.Pass, []string{"a"}), head: tests(verify.Skipped, nil), reasons: []string{"go test: no tests ran, and 1 ran on the base"}},
		{
			name: "zero tests now behind an old failure", base: tests(verify.Fail, []string{"a"}, verify.Finding{Message: "x"}),
			head: tests(verify.Fail, nil, verify.Finding{Message: "x"}), reasons: []string{"go test: no tests ran, and 1 ran on the base"}, notes: []string{"red on the base"},
		},
		{name: "zero tests ever", base: tests(verify.Skipped, nil), head: tests(verify.Skipped, nil), notes: []string{"nor do any"}},
		{name: "unknown now", base: counted(3), head: unknown, reasons: []string{"go test: it cannot be told whether tests ran, and 3 ran"}},
		{name: "unknown ever", base: unknown, head: unknown},
		{name: "fewer by number", base: counted(3), head: counted(2), reasons: []string{"go test: 2 tests ran, and 3 on the base"}},
		{name: "more by number", base: counted(3), head: counted(4)},
		{
			name: "flake", base: tests(verify.Pass, []string{"a"}), head: tests(verify.Fail, nil, failure("a", "x")),
			opts: []verify.CompareOption{verify.Flaky("a")}, notes: []string{"passed when run again"},
		},
		{
			name: "flake beside a failure", base: tests(verify.Pass, []string{"a", "b"}), head: tests(verify.Fail, nil, failure("a", "x"), failure("b", "y")),
			opts: []verify.CompareOption{verify.Flaky("a")}, notes: []string{"passed when run again"}, reasons: []string{"go test: 1 new finding, first a_test.go:3: b: y"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			gate := verify.Compare(report(tt.base), report(tt.head), tt.opts...)
			if gate.Passed != (len(tt.reasons) == 0) || len(gate.Reasons) != len(tt.reasons) {
				t.Fatalf("passed %v, reasons %q", gate.Passed, gate.Reasons)
			}
			for i, want := range tt.reasons {
				if !strings.HasPrefix(gate.Reasons[i], want) {
					t.Errorf("reason %q, want %q", gate.Reasons[i], want)
				}
			}
			notes := strings.Join(gate.Notes, "\n")
			for _, want := range tt.notes {
				if want != "reason" && !strings.Contains(notes, want) {
					t.Errorf("notes %q, want %q", notes, want)
				}
			}
			if len(tt.notes) == 0 && notes != "" {
				t.Errorf("notes %q, want none", notes)
			}
		})
	}
}

func TestCompare_noBase(t *testing.T) {
	t.Parallel()
	gate := verify.Compare(verify.Report{}, report(build(verify.Fail, verify.Finding{Message: "x"}), tests(verify.Pass, []string{"a"})))
	if gate.Passed || len(gate.New) != 1 || gate.Checked != 2 {
		t.Errorf("got %+v", gate)
	}
}

func TestCompare_sets(t *testing.T) {
	t.Parallel()
	gate := verify.Compare(
		report(build(verify.Fail, verify.Finding{Message: "old"}, verify.Finding{Message: "mended"})),
		report(build(verify.Fail, verify.Finding{Message: "old"}, verify.Finding{Message: "fresh"})),
	)
	messages := func(findings []verify.Finding) (out []string) {
		for _, f := range findings {
			out = append(out, f.Message)
		}
		return out
	}
	got := [][]string{messages(gate.New), messages(gate.Old), messages(gate.Fixed)}
	if diff := cmp.Diff([][]string{{"fresh"}, {"old"}, {"mended"}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestText_limits: however much there is, every verifier gets 3,000
// characters and ten findings, and each shown finding keeps file, line and
// the start of its message.
func TestText_limits(t *testing.T) {
	t.Parallel()
	var findings []verify.Finding
	for i := range 50 {
		findings = append(findings, verify.Finding{
			File: strings.Repeat("d/", 30) + "a.go", Line: i + 1, TestID: strings.Repeat("T", i+1),
			Message: "got 1, want 2\n" + strings.Repeat("much to say\n", 500),
		})
	}
	gate := verify.Compare(verify.Report{}, report(build(verify.Fail, findings...)))
	text := gate.Text()
	if len(text) > 3700 {
		t.Errorf("%d bytes", len(text))
	}
	if n := strings.Count(text, "got 1, want 2"); n != 11 { // ten, and the reason's
		t.Errorf("%d findings shown\n%s", n, text)
	}
	if !strings.Contains(text, "a.go:10: TTTTTTTTTT: got 1, want 2") || !strings.Contains(text, "and 40 more") {
		t.Errorf("lost a finding:\n%s", text)
	}
	passed := report(tests(verify.Pass, []string{"a"})).Text()
	if passed != "ok      go test, 1 test\n" {
		t.Errorf("success prints %q", passed)
	}
}
