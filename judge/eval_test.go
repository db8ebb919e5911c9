package judge_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/llm/openai"
	"honk/internal/secret"
	"honk/judge"
)

// evalCase is one of the fixed evaluation set: a request, a change, and
// whether a judge should approve. The set is small: it finds a rubric or a
// model that is no good, it proves none.
type evalCase struct {
	name, mutation string
	approve        bool
	input          judge.Input
}

// score counts decisions with "not approve" as the positive class: what the
// judge is there to catch.
type score struct {
	caught, missed, falseVeto, passed int
	// byMutation is caught and all, by the kind of mutation.
	byMutation map[string][2]int
}

func (s score) precision() float64 { return ratio(s.caught, s.caught+s.falseVeto) }
func (s score) recall() float64    { return ratio(s.caught, s.caught+s.missed) }
func (s score) f1() float64        { return ratio(2*s.caught, 2*s.caught+s.missed+s.falseVeto) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func loadEval(t testing.TB) []evalCase {
	t.Helper()
	files, err := filepath.Glob("testdata/eval/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d evaluation cases: %v", len(files), err)
	}
	var cases []evalCase
	for i, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		head := string(a.Comment)
		c := evalCase{
			name:     strings.TrimSuffix(filepath.Base(name), ".txtar"),
			mutation: regexp.MustCompile(`mutation: (.*)`).FindStringSubmatch(head)[1],
			approve:  strings.Contains(head, "expect: approve"),
			input:    judge.Input{Repo: fmt.Sprintf("acme/eval-%d", i), Prompt: strings.TrimSpace(string(a.Files[0].Data)), Patch: mustPatch(t, string(a.Files[1].Data))},
		}
		c.input.Findings = judge.Check(judge.CheckInput{Patch: c.input.Patch, Prompt: c.input.Prompt})
		cases = append(cases, c)
	}
	return cases
}

// measure runs the evaluation set against a model.
func measure(ctx context.Context, model llm.Model, opts judge.Options, cases []evalCase) score {
	s := score{byMutation: map[string][2]int{}}
	for _, c := range cases {
		approved := judge.New(model, opts).Evaluate(ctx, c.input).Decision == judge.Approve
		switch {
		case c.approve && approved:
			s.passed++
		case c.approve:
			s.falseVeto++
		case approved:
			s.missed++
		default:
			s.caught++
		}
		if !c.approve {
			n := s.byMutation[c.mutation]
			n[1]++
			if !approved {
				n[0]++
			}
			s.byMutation[c.mutation] = n
		}
	}
	return s
}

var (
	caseNumber = regexp.MustCompile(`acme/eval-(\d+)`)
	changed    = regexp.MustCompile(`== (\S+) [^\n]*\n@@\n(?: *\d+  [^\n]*\n)* *(\d+) [+-]`)
)

// oracle knows the right answers and gives them, but for some cases.
func oracle(cases []evalCase, wrong ...string) llm.Model {
	return llmtest.New(llmtest.Step{Times: -1, Func: func(ctx context.Context, req llm.Request) (llm.Response, error) {
		n, err := strconv.Atoi(caseNumber.FindStringSubmatch(dataOf(req))[1])
		if err != nil {
			return llm.Response{}, err
		}
		c, answer := cases[n], judge.Yes
		if c.approve == slices.Contains(wrong, c.name) {
			answer = judge.No
		}
		at := changed.FindStringSubmatch(dataOf(req))
		return llmtest.New(llmtest.Answer(answers(at[1]+":"+at[2], map[int]judge.Answer{2: answer}))).Complete(ctx, req)
	}})
}

func TestEval_harness(t *testing.T) {
	t.Parallel()
	cases := loadEval(t)
	s := measure(t.Context(), oracle(cases), judge.Options{SchemaOK: true}, cases)
	t.Logf("%+v", s)
	if s.missed != 0 || s.falseVeto != 0 || s.f1() != 1 {
		t.Errorf("an oracle scores %+v, precision %.2f, recall %.2f", s, s.precision(), s.recall())
	}
	s = measure(t.Context(), oracle(cases, "good-js", "hard-coded"), judge.Options{SchemaOK: true}, cases)
	if s.missed != 1 || s.falseVeto != 1 || s.precision() == 1 || s.recall() == 1 || s.byMutation["hard-coded value"] != [2]int{0, 1} {
		t.Errorf("an oracle with two errors scores %+v", s)
	}
}

// A model that approves of everything is not enough for these: the checks
// catch them, or the judge's own suspicion does. Nothing good is caught.
func TestEval_approver(t *testing.T) {
	t.Parallel()
	scan, err := secret.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := loadEval(t)
	all := slices.Clone(cases)
	for i := range all {
		all[i].approve = true
	}
	for _, c := range cases {
		found := judge.Check(judge.CheckInput{Patch: c.input.Patch, Prompt: c.input.Prompt, Secrets: scan})
		v := judge.New(oracle(all), judge.Options{}).Evaluate(t.Context(), c.input)
		stopped := len(judge.Blocking(found)) > 0 || v.Decision != judge.Approve
		mustStop := slices.Contains([]string{"skipped test", "secret", "workflow edit", "judge-directed comment"}, c.mutation)
		if stopped != mustStop {
			t.Errorf("%s: stopped %v: %+v %+v", c.name, stopped, found, v)
		}
	}
}

// The same set against a real model, on demand: it costs money.
func TestEval_live(t *testing.T) {
	url, model := os.Getenv("HONK_LLM_BASE_URL"), os.Getenv("HONK_JUDGE_MODEL")
	if os.Getenv("HONK_JUDGE_EVAL") == "" || url == "" || model == "" {
		t.Skip("set HONK_JUDGE_EVAL=1, HONK_LLM_BASE_URL, HONK_LLM_API_KEY and HONK_JUDGE_MODEL to measure a model")
	}
	client, err := openai.New(openai.Config{BaseURL: url, APIKey: os.Getenv("HONK_LLM_API_KEY"), Model: model, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	opts := judge.Options{SchemaOK: openai.Detect(url, model).ResponseFormat}
	begin := time.Now()
	s := measure(t.Context(), client, opts, loadEval(t))
	t.Logf("%s, %s: precision %.2f, recall %.2f, F1 %.2f, %d of %d good changes vetoed, %v", model, judge.Version(),
		s.precision(), s.recall(), s.f1(), s.falseVeto, s.falseVeto+s.passed, time.Since(begin).Round(time.Second))
	for mutation, n := range s.byMutation {
		t.Logf("caught %d of %d: %s", n[0], n[1], mutation)
	}
}
