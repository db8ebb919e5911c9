package page

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"honk/internal/runner"
	"honk/internal/runner/fact"
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

// bill is the line below a task's end: model, steps and cost.
func (p *Pages) bill(w *words, t task.Task, u task.Usage) md {
	model, amounts := fact.Bill(t, u, p.opts.Model)
	bill := amount(strings.Join(amounts, " · "))
	if model != "" {
		bill = w.line(model, 80) + " · " + bill
	}
	return bill
}

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
		return []row{{Check: "verification", Result: md("**not verified**" + strings.TrimPrefix(fact.Unverified, "not verified"))}}
	}
	var rows []row
	for i, res := range g.Report.Results {
		if i == maxRows {
			rows = append(rows, row{Check: md(fmt.Sprintf("and %d more", len(g.Report.Results)-i))})
			break
		}
		rows = append(rows, row{
			Check:  w.cellCode(cmp.Or(res.Command, res.Name), 160),
			Result: w.standing(fact.StandingOf(g, res)),
			Time:   amount(fact.Clock(res.Duration)),
			Tests:  md(fact.Tests(fact.ResultOf(g.Base, res.Name), res)),
		})
	}
	return rows
}

// standing is one verifier's result. What is not a clean pass says why.
func (w *words) standing(s fact.Standing) md {
	out := md(s.Word)
	if s.Bad {
		out = "**" + out + "**"
	}
	out += md(s.More)
	if s.Reason != "" {
		out += ": " + w.cell(s.Reason, 300)
	}
	if s.Partial {
		out += " (only the tests of what changed)"
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
		if at := fact.Place(f.File, f.Line); at != "" {
			r.Result += " (" + w.cellCode(at, 160) + ")"
		}
		rows = append(rows, r)
	}
	return rows
}

// judged is the row of the judge.
func (p *Pages) judged(w *words, pub runner.Publication) []row {
	v := pub.Result.Verdict
	r := row{Check: "judge", Result: md(fact.Decision(v))}
	if m := fact.JudgeMode(pub.Task, v, p.opts.Judge); m != "" {
		r.Check += md(" (" + string(m) + ")")
	}
	if v.Decision != judge.Approve && v.Summary != "" {
		r.Result += ": " + w.cell(v.Summary, 300)
	}
	for _, flag := range v.Flags[:min(len(v.Flags), 3)] {
		r.Result += " · suspicious: " + w.cell(flag, 200)
	}
	return []row{r}
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
		texts = append(texts, fmt.Sprintf("%s of the base no longer run, first %s", fact.Count(n, "test"), g.Vanished[0]))
	}
	notes, more := w.list(texts, maxItems, 300)
	if more > 0 {
		notes = append(notes, md(fmt.Sprintf("and %d more", more)))
	}
	return notes
}
