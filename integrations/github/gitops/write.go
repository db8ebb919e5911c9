package gitops

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/integrations/github/markdown"
	"honk/internal/runner/fact"
	"honk/internal/secret"
)

const (
	// maxText is the most bytes of a comment; GitHub takes 65,536 characters.
	maxText = 60_000
	// maxRows is how many rows a list shows, maxSaid how many problems are
	// told of one manifest.
	maxRows = 30
	maxSaid = 20
)

// writer writes a comment. What others wrote is scrubbed, escaped and cut.
type writer struct {
	secrets *secret.Scanner
	scrub   *fact.Scrubber
	// parts write what is said of one manifest each, with so many rows.
	parts []func(rows int) string
	more  int
}

func (d *Door) writer() *writer {
	return &writer{secrets: d.Secrets, scrub: fact.NewScrubber(d.Secrets)}
}

func (w *writer) empty() bool { return len(w.parts) == 0 }

// left counts manifests that nothing is said of.
func (w *writer) left(n int) { w.more += n }

// code is text as code within a line or a table.
func (w *writer) code(text string, most int) string {
	return strings.ReplaceAll(markdown.Code(secret.Clean(w.scrub.Clean(text), most)), "|", `\|`)
}

func (w *writer) line(text string, most int) string {
	return markdown.Line(w.scrub.Clean(text), most)
}

func (w *writer) cell(text string, most int) string {
	return markdown.Cell(secret.Clean(w.scrub.Clean(text), most))
}

// proposed is the comment on an open pull request.
func (w *writer) proposed(sha string) string {
	head := "This pull request changes no shift any more.\n"
	if !w.empty() {
		head = fmt.Sprintf("**What merging %s applies**\n", sha[:min(7, len(sha))])
	}
	return w.fit(head)
}

// merged is the comment on a merged pull request with what was not applied.
func (w *writer) merged() string {
	return w.fit(markMerged + "\n**Not everything of this was applied.** Push a correction to the default branch; it is applied then.\n")
}

// fit writes all parts, with ever fewer rows until the text is short enough.
func (w *writer) fit(head string) string {
	parts := w.parts
	for rows := maxRows; ; rows /= 3 {
		var b strings.Builder
		b.WriteString(head)
		for _, part := range parts {
			b.WriteString("\n" + part(rows))
		}
		if more := w.more + len(w.parts) - len(parts); more > 0 {
			fmt.Fprintf(&b, "\n%s not told of here; `honk shift plan` shows more, or split the pull request.\n", number(more, "manifest"))
		}
		if text := w.secrets.Redact(b.String()); len(text) <= maxText || len(parts) == 0 {
			return text
		}
		if rows == 0 {
			parts = parts[:len(parts)/2]
		}
	}
}

// located takes a problem apart into where it is and what it is.
var located = regexp.MustCompile(`^([^\s:]{1,200}:[0-9]{1,9}): (.*)$`)

// problem says what is wrong with a manifest.
func (w *writer) problem(p problem) {
	w.parts = append(w.parts, func(int) string {
		var b strings.Builder
		if p.path != "" {
			fmt.Fprintf(&b, "### %s\n\n", w.code(p.path, 200))
		}
		b.WriteString("It cannot be applied:\n\n")
		for i, said := range p.said {
			if i == maxSaid {
				fmt.Fprintf(&b, "- %d more\n", len(p.said)-i)
				break
			}
			where, what := "", said
			if m := located.FindStringSubmatch(said); m != nil {
				where, what = w.code(m[1], 220)+": ", m[2]
			}
			fmt.Fprintf(&b, "- %s%s\n", where, w.line(what, 500))
		}
		return b.String()
	})
}

// removed says that a shift will be paused.
func (w *writer) removed(r removed) {
	w.parts = append(w.parts, func(int) string {
		return fmt.Sprintf("### %s\n\nIt is removed: %s is paused, and nothing of it is deleted. Putting the manifest back lets it go on.\n",
			w.code(r.path, 200), w.code(r.shift, 40))
	})
}

// plan says what applying a manifest means.
func (w *writer) plan(doc *document, p Planned) {
	w.parts = append(w.parts, func(rows int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "### %s: %s, generation %d\n\n", w.code(doc.Name, 200), w.line(p.Shift.Name, 40), p.Shift.Generation)
		switch {
		case p.Shift.Phase == fleet.PhasePaused, p.Shift.Phase == fleet.PhaseHalted:
			fmt.Fprintf(&b, "It stays %s: %s\n\n", p.Shift.Phase, w.line(p.Shift.Reason, 300))
		case !p.Changed():
			b.WriteString("It is what is applied already.\n\n")
		}
		fmt.Fprintf(&b, "**%s:%s.** %s\n\n", number(len(p.Ops), "target"), counts(p.Plan), price(p.Plan))
		w.waves(&b, p.Plan)
		w.targets(&b, p.Plan, rows)
		w.out(&b, p, rows)
		return b.String()
	})
}

func number(n int, word string) string { return fmt.Sprintf("%d %s", n, fact.Plural(n, word)) }

func counts(p *plan.Plan) string {
	var list []string
	for _, kind := range []plan.Kind{plan.Create, plan.Update, plan.Rebase, plan.Close, plan.Keep, plan.Noop, plan.Skip} {
		if n := p.Counts[kind]; n > 0 {
			list = append(list, fmt.Sprintf(" %d %s", n, kind))
		}
	}
	return cmp.Or(strings.Join(list, ","), " none")
}

// price is what a plan costs at most, and how long it takes at least.
func price(p *plan.Plan) string {
	took := fact.Clock(max(p.Took.Round(time.Minute), time.Minute))
	switch {
	case p.Runs == 0:
		return "Nothing runs."
	case p.MaxUSD > 0:
		return fmt.Sprintf("At most $%.2f; at least %s to publish all.", p.MaxUSD, took)
	}
	return fmt.Sprintf("At least %s to publish all.", took)
}

func (w *writer) waves(b *strings.Builder, p *plan.Plan) {
	b.WriteString("| wave | targets | run | first | then |\n|---|---|---|---|---|\n")
	for _, wave := range p.Waves {
		var first []string
		for _, repo := range wave.First {
			first = append(first, w.code(repo, 140))
		}
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s |\n", w.cell(wave.Name, 40), wave.Rows, wave.Runs, strings.Join(first, ", "), gate(wave.Gate))
	}
	b.WriteString("\n")
}

// gate is what must hold before the next wave.
func gate(g *manifest.Gate) string {
	if g == nil {
		return ""
	}
	var list []string
	percent := func(p *int, format string) {
		if p != nil {
			list = append(list, fmt.Sprintf(format, *p))
		}
	}
	percent(g.MergedPercent, "%d %% merged")
	percent(g.MaxCIFailPercent, "at most %d %% red")
	percent(g.MinHealthyPercent, "%d %% healthy")
	if g.Soak > 0 {
		list = append(list, "soak "+fact.Clock(g.Soak))
	}
	if g.Approve {
		list = append(list, "approval")
	}
	return strings.Join(list, ", ")
}

// targets lists what is done where; what stays as it is is only counted.
func (w *writer) targets(b *strings.Builder, p *plan.Plan, rows int) {
	list := make([]string, 0, rows)
	n := 0
	for i := range p.Ops {
		op := &p.Ops[i]
		if op.Kind == plan.Noop {
			continue
		}
		if n++; n > rows {
			continue
		}
		name := op.Row.Key.Repo
		if op.Row.Key.Unit != "" {
			name += ":" + op.Row.Key.Unit
		}
		list = append(list, fmt.Sprintf("| %s | %s | %s | %s |\n", op.Kind, w.code(name, 160),
			w.cell(p.Waves[min(op.Row.Wave, len(p.Waves)-1)].Name, 40), w.cell(op.Reason, 160)))
	}
	details(b, "Targets", "| operation | target | wave | reason |\n|---|---|---|---|\n", list, n)
}

// out lists what is left out, and why.
func (w *writer) out(b *strings.Builder, p Planned, rows int) {
	list := make([]string, 0, rows)
	for _, e := range p.Excluded[:min(rows, len(p.Excluded))] {
		list = append(list, fmt.Sprintf("| %s | %s |\n", w.code(e.Target.Repo, 160), w.cell(e.Reason, 160)))
	}
	details(b, "Left out", "| repository | reason |\n|---|---|\n", list, len(p.Excluded))
}

// details folds up a table of so many rows, of which not all may be listed.
func details(b *strings.Builder, title, head string, list []string, all int) {
	if all == 0 {
		return
	}
	fmt.Fprintf(b, "<details><summary>%s: %d</summary>\n\n", title, all)
	if len(list) > 0 {
		b.WriteString(head + strings.Join(list, "") + "\n")
	}
	if more := all - len(list); more > 0 {
		fmt.Fprintf(b, "%d more; `honk shift plan` lists all.\n\n", more)
	}
	b.WriteString("</details>\n\n")
}
