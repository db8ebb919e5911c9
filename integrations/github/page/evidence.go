package page

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// maxRows is how many rows of one kind the table has.
const maxRows = 30

// evidence is the block that says what speaks for a change. Code writes it
// from reports; the model has no word in it.
type evidence struct {
	Start, End string
	Rows       []row
	Notes      []md
	// Drafting are the files for which it is a draft.
	Drafting md

	Base, Patch    string
	Sandbox, Asker md
	Shift          md
	ID             task.ID
	Bill           md
}

// row is a line of the table.
type row struct{ Check, Result, Time, Tests md }

func (p *Pages) evidence(w *words, pub runner.Publication) evidence {
	req := pub.Task.Request
	e := evidence{
		Start: evidenceStart(pub.Task.ID), End: evidenceEnd,
		Rows:     slices.Concat(w.verifiers(pub.Result.Gate), w.policy(pub.Result.Checks), p.judged(w, pub)),
		Notes:    w.notes(pub.Result.Gate),
		Drafting: w.codes(sensitive(pub.Patch), maxDrafting, 160),
		Base:     short(pub.Patch.Base),
		Sandbox:  w.line(p.opts.Sandbox, 120),
		Asker:    w.person(req.Source, req.Actor.Login),
		ID:       pub.Task.ID,
		Bill:     p.bill(w, pub.Task, pub.Result.Usage),
	}
	sum := sha256.Sum256(pub.Patch.Diff)
	e.Patch = hex.EncodeToString(sum[:])
	if req.Origin.Shift != "" {
		e.Shift = w.code(req.Origin.Shift, 120)
	}
	return e
}

// short is a commit as people write it, "" for what is none.
func short(sha string) string {
	if _, err := hex.DecodeString(sha); err != nil || len(sha) < 12 {
		return ""
	}
	return sha[:12]
}

func (w *words) verifiers(g verify.Gate) []row {
	if len(g.Report.Results) == 0 {
		return []row{{Check: "verification", Result: "**not verified**: the repository has no check that could be made"}}
	}
	var rows []row
	for i, res := range g.Report.Results {
		if i == maxRows {
			rows = append(rows, row{Check: md(fmt.Sprintf("and %d more", len(g.Report.Results)-i))})
			break
		}
		base := resultOf(g.Base, res.Name)
		rows = append(rows, row{
			Check:  w.cellCode(cmp.Or(res.Command, res.Name), 160),
			Result: w.verdictOf(g, base, res),
			Time:   md(clock(res.Duration)),
			Tests:  md(tests(base, res)),
		})
	}
	return rows
}

// verdictOf is one verifier's result. What is not a clean pass says why.
func (w *words) verdictOf(g verify.Gate, base *verify.Result, res verify.Result) md {
	fresh := 0
	for _, f := range g.New {
		if f.Verifier == res.Name {
			fresh++
		}
	}
	redBefore := base != nil && base.Status == verify.Fail
	var out md
	switch {
	case noTests(res) && (res.Status == verify.Pass || res.Status == verify.Skipped):
		return "**no tests**"
	case res.Status == verify.Pass && redBefore:
		out = "pass, was red on base"
	case res.Status == verify.Pass:
		out = "pass"
	case res.Status == verify.Fail && fresh > 0:
		out = md("**fail**: " + count(fresh, "new finding"))
	case res.Status == verify.Fail && redBefore:
		out = "red on base, nothing new"
	case res.Status == verify.Fail && len(g.Flaky) > 0:
		out = "pass after a second run"
	case res.Status == verify.Fail:
		out = "**fail**"
	default: // broken, skipped or out of time
		out = md("**" + string(res.Status) + "**")
	}
	if res.Reason != "" {
		out += ": " + w.cell(res.Reason, 300)
	}
	if res.Partial {
		out += " (only the tests of what changed)"
	}
	return out
}

// noTests reports whether a test runner ran nothing, which is never a pass.
func noTests(res verify.Result) bool {
	return res.Kind == verify.Test && res.TestsKnown && res.TestsRun == 0
}

// tests is "210 → 212 run, 0 skipped", "" for what runs no tests.
func tests(base *verify.Result, res verify.Result) string {
	if res.Kind != verify.Test || !res.TestsKnown && (base == nil || !base.TestsKnown) {
		return ""
	}
	number := func(r *verify.Result) string {
		if r == nil || !r.TestsKnown {
			return "?"
		}
		return thousands(r.TestsRun)
	}
	out := number(base) + " → " + number(&res) + " run"
	if res.TestsKnown {
		out += fmt.Sprintf(", %d skipped", res.Skips)
	}
	return out
}

// policy are the rows of the deterministic checks.
func (w *words) policy(found []judge.Finding) []row {
	if len(found) == 0 {
		return []row{{Check: "policy: tests removed, checks weakened, protected files, dependencies, secrets", Result: "none"}}
	}
	var rows []row
	for i, f := range found {
		if i == maxItems {
			rows = append(rows, row{Check: "policy", Result: md(fmt.Sprintf("and %d more", len(found)-i))})
			break
		}
		r := row{Check: "policy: " + md(strings.ReplaceAll(string(w.cell(f.Check, 40)), "_", " "))}
		r.Result = md("**"+string(f.Severity)+"**: ") + w.cell(f.Message, 300)
		if at := place(f.File, f.Line); at != "" {
			r.Result += " (" + w.cellCode(at, 160) + ")"
		}
		rows = append(rows, r)
	}
	return rows
}

// judged is the row of the judge.
func (p *Pages) judged(w *words, pub runner.Publication) []row {
	v := pub.Result.Verdict
	r := row{Check: "judge", Result: md(decision(v))}
	if m := p.mode(pub); m != "" {
		r.Check += md(" (" + m + ")")
	}
	if v.Decision != judge.Approve && v.Summary != "" {
		r.Result += ": " + w.cell(v.Summary, 300)
	}
	for _, flag := range v.Flags[:min(len(v.Flags), 3)] {
		r.Result += " · suspicious: " + w.cell(flag, 200)
	}
	return []row{r}
}

// mode is what the judge could do, "" when nobody knows.
func (p *Pages) mode(pub runner.Publication) string {
	switch pub.Result.Verdict.Decision {
	case judge.NotJudged:
		return string(judge.ModeOff)
	case judge.DecideRevise, judge.Reject:
		// Only its advice can stand against what is published all the same.
		return string(judge.ModeAdvise)
	case judge.Approve, judge.DecisionError:
	}
	// A repository can make it stricter, and nothing is stricter than a veto.
	if asked := cmp.Or(pub.Task.Request.Options.Judge, string(p.opts.Judge)); asked == string(judge.ModeVeto) {
		return asked
	}
	return ""
}

// notes are facts that did not block and that a reviewer should know.
func (w *words) notes(g verify.Gate) []md {
	texts := slices.Clone(g.Notes)
	for _, id := range g.Flaky {
		if !slices.ContainsFunc(texts, func(n string) bool { return strings.Contains(n, id) }) {
			texts = append(texts, "flaky, failed and passed when run again: "+id)
		}
	}
	if n := len(g.Vanished); n > 0 {
		texts = append(texts, fmt.Sprintf("%s of the base no longer run, first %s", count(n, "test"), g.Vanished[0]))
	}
	notes, more := w.list(texts, maxItems, 300)
	if more > 0 {
		notes = append(notes, md(fmt.Sprintf("and %d more", more)))
	}
	return notes
}
