package judge_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const diffA = `diff --git a/add.go b/add.go
index 1111111..2222222 100644
--- a/add.go
+++ b/add.go
@@ -1,3 +1,3 @@
 package a
-func Add(a, b int) int { return a - b }
+func Add(a, b int) int { return a + b }
 // end
`

func mustPatch(t testing.TB, text string) task.Patch {
	t.Helper()
	p, err := judge.ParsePatch([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newInput(t testing.TB, text string) judge.Input {
	t.Helper()
	return judge.Input{Repo: "acme/calc", Prompt: "Add must add", Patch: mustPatch(t, text)}
}

// answers makes a complete answer: yes throughout, but for what override says.
func answers(cite string, override map[int]judge.Answer) map[string]any {
	items := []map[string]any{}
	for id := 1; id <= 10; id++ {
		a := judge.Yes
		if o, ok := override[id]; ok {
			a = o
		}
		it := map[string]any{"id": id, "evidence": []string{}, "reason": fmt.Sprintf("reason %d", id), "answer": a}
		if id == 1 {
			it["evidence"] = []string{cite}
		}
		items = append(items, it)
	}
	return map[string]any{"items": items, "request": "ok", "revisions": []string{}, "summary": "Fine."}
}

func edited(object map[string]any, key string, value any) map[string]any {
	object[key] = value
	return object
}

func setItem(object map[string]any, id int, key string, value any) map[string]any {
	object["items"].([]map[string]any)[id-1][key] = value
	return object
}

const cite = "add.go:2"

func good() map[string]any { return answers(cite, nil) }

func TestEvaluate_decisions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		object map[string]any
		want   judge.Decision
	}{
		"all yes":           {good(), judge.Approve},
		"na where allowed":  {answers(cite, map[int]judge.Answer{3: judge.NA, 5: judge.NA, 7: judge.NA, 10: judge.NA, 8: judge.NA}), judge.Approve},
		"printed items":     {answers(cite, map[int]judge.Answer{6: judge.No, 8: judge.No, 9: judge.No}), judge.Approve},
		"unsafe":            {edited(good(), "request", "unsafe"), judge.Reject},
		"unfulfillable":     {edited(answers(cite, map[int]judge.Answer{1: judge.No}), "request", "unfulfillable"), judge.Reject},
		"range as evidence": {setItem(good(), 1, "evidence", []string{"add.go:1-3"}), judge.Approve},
		"no na for 2":       {answers(cite, map[int]judge.Answer{2: judge.NA}), judge.DecisionError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := llmtest.New(llmtest.Answer(tt.object), llmtest.Answer(tt.object))
			v := judge.New(m, judge.Options{SchemaOK: true}).Evaluate(t.Context(), newInput(t, diffA))
			if v.Decision != tt.want || v.Prompt != judge.Version() || v.Summary == "" {
				t.Errorf("verdict %+v, want %s", v, tt.want)
			}
		})
	}
	for _, id := range []int{1, 2, 3, 4, 5, 7, 10} {
		object := answers(cite, map[int]judge.Answer{id: judge.No})
		v := judge.New(llmtest.New(llmtest.Answer(object)), judge.Options{}).Evaluate(t.Context(), newInput(t, diffA))
		if v.Decision != judge.DecideRevise || !cmp.Equal(v.Revisions, []string{fmt.Sprintf("reason %d", id)}) {
			t.Errorf("item %d: %+v", id, v)
		}
	}
}

// A model cannot approve in words what its items do not carry.
func TestEvaluate_verdictIsComputed(t *testing.T) {
	t.Parallel()
	object := edited(answers(cite, map[int]judge.Answer{4: judge.No}), "decision", "approve")
	object["revisions"] = []string{"a", "b", "c", "d", "e", "f"}
	v := judge.New(llmtest.New(llmtest.Answer(object)), judge.Options{}).Evaluate(t.Context(), newInput(t, diffA))
	if v.Decision != judge.DecideRevise || len(v.Revisions) != 5 {
		t.Errorf("verdict %+v", v)
	}
}

func TestEvaluate_invalidIsRepairedOnce(t *testing.T) {
	t.Parallel()
	bad := map[string]llmtest.Step{
		"no JSON":        llmtest.Say("I approve of this change."),
		"trailing text":  llmtest.Say(`{"items":[]} approve`),
		"nine items":     llmtest.Answer(edited(good(), "items", good()["items"].([]map[string]any)[:9])),
		"twice":          llmtest.Answer(setItem(good(), 10, "id", 9)),
		"eleven":         llmtest.Answer(setItem(good(), 10, "id", 11)),
		"other answer":   llmtest.Answer(setItem(good(), 3, "answer", "maybe")),
		"line outside":   llmtest.Answer(setItem(good(), 1, "evidence", []string{"add.go:9"})),
		"file outside":   llmtest.Answer(setItem(good(), 1, "evidence", []string{"sub.go:2"})),
		"no line":        llmtest.Answer(setItem(good(), 1, "evidence", []string{"add.go"})),
		"no evidence":    llmtest.Answer(setItem(good(), 1, "evidence", []string{})),
		"other request":  llmtest.Answer(edited(good(), "request", "fine")),
		"wrong tool":     llmtest.Use("approve", map[string]any{}),
		"broken tool":    llmtest.Use("submit_verdict", `{"items": [`),
		"reversed range": llmtest.Answer(setItem(good(), 1, "evidence", []string{"add.go:3-1"})),
	}
	for name, step := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step.When = func(llm.Request) bool { return true }
			m := llmtest.New(step, llmtest.Answer(good()))
			if v := judge.New(m, judge.Options{}).Evaluate(t.Context(), newInput(t, diffA)); v.Decision != judge.Approve {
				t.Errorf("repaired: %+v", v)
			}
			if err := llmtest.CheckHistory(m.Requests()[1].Messages); err != nil {
				t.Errorf("repair history: %v", err)
			}
			m = llmtest.New(step, step, llmtest.Answer(good()))
			v := judge.New(m, judge.Options{}).Evaluate(t.Context(), newInput(t, diffA))
			if v.Decision != judge.DecisionError || len(m.Requests()) != 2 {
				t.Errorf("after two invalid answers: %+v, %d requests", v, len(m.Requests()))
			}
		})
	}
}

func TestEvaluate_failsClosed(t *testing.T) {
	t.Parallel()
	always := func(s llmtest.Step) llmtest.Step {
		s.When, s.Times = func(llm.Request) bool { return true }, -1
		return s
	}
	for name, step := range map[string]llmtest.Step{
		"500":      llmtest.Fail(&llm.Error{Class: llm.ClassTransient, Status: 500, Message: "boom"}),
		"refusal":  llmtest.Fail(&llm.Error{Class: llm.ClassPolicy, Message: "refused"}),
		"caller":   llmtest.Fail(&llm.Error{Class: llm.ClassCaller, Status: 401, Message: "bad key"}),
		"budget":   llmtest.Fail(&llm.Error{Class: llm.ClassBudget, Message: "no money"}),
		"error":    llmtest.Fail(errors.New("broken")),
		"empty":    {Func: func(context.Context, llm.Request) (llm.Response, error) { return llm.Response{}, nil }},
		"length":   {Func: finish(t, llm.FinishLength)},
		"filter":   {Func: finish(t, llm.FinishFilter)},
		"declines": llmtest.Say("I cannot help with that."),
	} {
		for _, schema := range []bool{true, false} {
			v := judge.New(llmtest.New(always(step)), judge.Options{SchemaOK: schema}).Evaluate(t.Context(), newInput(t, diffA))
			if v.Decision != judge.DecisionError || !strings.HasPrefix(v.Summary, "Not judged: ") {
				t.Errorf("%s, schema %v: %+v", name, schema, v)
			}
		}
	}
	in := newInput(t, diffA)
	for name, p := range map[string]task.Patch{"empty": {}, "broken": {Diff: []byte("diff --git a/x b/x\n@@ nonsense"), Files: in.Patch.Files}, "unlisted": {Diff: in.Patch.Diff}} {
		in.Patch = p
		m := llmtest.New(always(llmtest.Answer(good())))
		if v := judge.New(m, judge.Options{}).Evaluate(t.Context(), in); v.Decision != judge.DecisionError || len(m.Requests()) != 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// finish answers approvingly, but with a finish reason that spoils it.
func finish(t *testing.T, reason llm.FinishReason) func(context.Context, llm.Request) (llm.Response, error) {
	t.Helper()
	inner := llmtest.Answer(good())
	inner.Times = -1
	m := llmtest.New(inner)
	return func(ctx context.Context, req llm.Request) (llm.Response, error) {
		resp, err := m.Complete(ctx, req)
		resp.Finish = reason
		return resp, err
	}
}

func TestEvaluate_timeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		m := llmtest.New(llmtest.Step{Times: -1, Func: func(ctx context.Context, _ llm.Request) (llm.Response, error) {
			<-ctx.Done()
			return llm.Response{}, ctx.Err()
		}})
		v := judge.New(m, judge.Options{}).Evaluate(t.Context(), newInput(t, diffA))
		if v.Decision != judge.DecisionError || !strings.Contains(v.Summary, "in time") || time.Since(begin) != 120*time.Second {
			t.Errorf("verdict %+v after %v", v, time.Since(begin))
		}
	})
}

func TestEvaluate_modesOfAnswering(t *testing.T) {
	t.Parallel()
	m := llmtest.New(llmtest.Answer(good()))
	judge.New(m, judge.Options{SchemaOK: true}).Evaluate(t.Context(), newInput(t, diffA))
	if r := m.Requests()[0]; r.Schema == nil || r.ForceTool != "" {
		t.Errorf("schema: %+v", r)
	}
	m = llmtest.New(llmtest.Answer(good()))
	judge.New(m, judge.Options{}).Evaluate(t.Context(), newInput(t, diffA))
	if r := m.Requests()[0]; r.Schema != nil || r.ForceTool != "submit_verdict" || len(r.Tools) != 1 {
		t.Errorf("tool: %+v", r)
	}
	refuse := llmtest.Fail(&llm.Error{Class: llm.ClassCaller, Status: 400, Message: "tool_choice is not supported"})
	text := llmtest.Say("```json\n" + mustJSON(t, good()) + "\n```")
	m = llmtest.New(refuse, text)
	v := judge.New(m, judge.Options{}).Evaluate(t.Context(), newInput(t, diffA))
	if v.Decision != judge.Approve || len(m.Requests()[1].Tools) != 0 || !strings.Contains(m.Requests()[1].Messages[0].Content, "```json fence") {
		t.Errorf("fence: %+v", v)
	}
}

// bigDiff changes n files of size bytes each.
func bigDiff(n, size int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "diff --git a/f%02d.txt b/f%02d.txt\nindex 1111111..2222222 100644\n--- a/f%02d.txt\n+++ b/f%02d.txt\n@@ -1 +1,%d @@\n-old\n", i, i, i, i, size/50)
		for range size / 50 {
			b.WriteString("+" + strings.Repeat("word ", 8) + "\n")
		}
	}
	return b.String()
}

func TestEvaluate_largeDiffs(t *testing.T) {
	t.Parallel()
	// Each part cites its own first file; the synthesis any.
	part := func(override map[int]judge.Answer) func(context.Context, llm.Request) (llm.Response, error) {
		return func(ctx context.Context, req llm.Request) (llm.Response, error) {
			name := regexp.MustCompile(`f\d\d\.txt`).FindAllString(req.Messages[1].Content[strings.LastIndex(req.Messages[1].Content, "<<<DIFF"):], 1)
			return llmtest.New(llmtest.Answer(answers(name[0]+":1", override))).Complete(ctx, req)
		}
	}
	isPart := func(r llm.Request) bool { return strings.Contains(r.Messages[0].Content, "you see part") }
	script := func(override map[int]judge.Answer) *llmtest.Model {
		return llmtest.New(llmtest.Step{When: isPart, Func: part(override)}, llmtest.Step{When: isPart, Times: -1, Func: part(nil)}, llmtest.Answer(answers("f03.txt:1", nil)))
	}
	in := newInput(t, bigDiff(4, 9000))
	m := script(nil)
	if v := judge.New(m, judge.Options{MaxDiff: 20_000}).Evaluate(t.Context(), in); v.Decision != judge.Approve || len(m.Requests()) != 3 {
		t.Errorf("parts: %+v, %d requests", v, len(m.Requests()))
	}
	m = script(map[int]judge.Answer{4: judge.No})
	if v := judge.New(m, judge.Options{MaxDiff: 20_000}).Evaluate(t.Context(), in); v.Decision != judge.DecideRevise || len(v.Revisions) != 1 {
		t.Errorf("a part's objection: %+v", v)
	}
	for name, opts := range map[string]judge.Options{"too many parts": {MaxDiff: 20_000}, "one file": {MaxDiff: 5_000}} {
		m := script(nil)
		v := judge.New(m, opts).Evaluate(t.Context(), newInput(t, bigDiff(20, 9000)))
		if v.Decision != judge.DecisionError || !strings.Contains(v.Summary, "smaller change") || len(m.Requests()) != 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestEvaluate_golden(t *testing.T) {
	t.Parallel()
	in := newInput(t, diffA)
	in.Context = []task.Note{{Author: "ada", At: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Text: "it subtracts\u202E"}}
	in.Gate.Report.Results = []verify.Result{{Name: "go test", Kind: verify.Test, Status: verify.Pass, TestsRun: 12}}
	in.Gate.Notes = []string{"lint was red on the base"}
	in.Findings = []judge.Finding{{Check: "weakened", Severity: judge.Flag, File: "add.go", Message: "a check is silenced"}}
	m := llmtest.New(llmtest.Answer(good()), llmtest.Answer(good()))
	if v := judge.New(m, judge.Options{}).Evaluate(t.Context(), in); v.Decision != judge.Approve || len(v.Flags) != 1 {
		t.Errorf("verdict %+v", v)
	}
	var b strings.Builder
	for _, msg := range m.Requests()[0].Messages {
		fmt.Fprintf(&b, "-- %s --\n%s\n", msg.Role, msg.Content)
	}
	got := regexp.MustCompile(`\b[0-9a-f]{24}\b`).ReplaceAllString(b.String(), "NONCE")
	file := filepath.Join("testdata", "prompt.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("prompt (-want +got):\n%s", d)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	veto := func(d judge.Decision, ids ...int) judge.Verdict {
		v := judge.Verdict{Decision: d}
		for _, id := range ids {
			v.Items = append(v.Items, judge.Item{ID: id, Answer: judge.No})
		}
		return v
	}
	for _, tt := range []struct {
		a, b judge.Verdict
		want bool
	}{
		{veto(judge.DecideRevise, 1, 2), veto(judge.DecideRevise, 2, 1), true},
		{veto(judge.DecideRevise, 1), veto(judge.DecideRevise, 2), false},
		{veto(judge.DecideRevise, 1, 8), veto(judge.DecideRevise, 1), true},
		{veto(judge.DecideRevise, 1), veto(judge.Reject, 1), false},
		{veto(judge.Approve), veto(judge.Approve), false},
	} {
		if got := tt.a.Same(tt.b); got != tt.want {
			t.Errorf("%+v.Same(%+v) = %v", tt.a, tt.b, got)
		}
	}
}

func TestFeedback(t *testing.T) {
	t.Parallel()
	v := judge.Verdict{Decision: judge.DecideRevise, Revisions: []string{"add.go: handle overflow"}, Items: []judge.Item{{ID: 1, Answer: judge.No, Reason: "overflow", Evidence: []string{"add.go:2"}}, {ID: 9, Answer: judge.No, Reason: "style"}}}
	found := []judge.Finding{{Check: "tests", Severity: judge.Veto, File: "a_test.go", Line: 3, Message: "the test is gone"}, {Check: "file_kind", Severity: judge.Flag, Message: "harmless"}}
	got := judge.Feedback(v, found)
	for _, want := range []string{"a_test.go:3: the test is gone (tests)", "- add.go: handle overflow", "rubric item 1: overflow add.go:2", "finish again"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for _, not := range []string{"harmless", "style"} {
		if strings.Contains(got, not) {
			t.Errorf("%q in:\n%s", not, got)
		}
	}
	if got := judge.Feedback(judge.Verdict{Decision: judge.Approve}, found[1:]); got != "" {
		t.Errorf("nothing to mend: %q", got)
	}
}
