package tool

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"honk/internal/task"
	"honk/verify"
)

const (
	// verifierBytes caps what one verifier shows.
	verifierBytes = 3000
	// verifierFindings caps how many findings of one verifier show.
	verifierFindings = 10
	// findingLines caps one finding.
	findingLines = 15
)

func (s *Set) verify(ctx context.Context, raw json.RawMessage) (Result, error) {
	var in struct {
		Only []string `json:"only"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Result{}, err
	}
	var known []string
	for _, v := range s.cfg.Verifiers {
		known = append(known, v.Name)
	}
	if len(known) == 0 {
		return Result{Text: "No checks were detected in this repository. Prove the change by a command of your own.", Title: "verify: nothing detected"}, nil
	}
	for _, name := range in.Only {
		if !slices.Contains(known, name) {
			return failure("verify", "There is no verifier %q. Nothing ran. There are: %s.", clip(printable(name), 100), strings.Join(known, ", ")), nil
		}
	}
	gate, cached, err := s.Verify(ctx, in.Only)
	if err != nil {
		return Unfit("verify", err)
	}
	text := GateText(gate)
	if cached {
		text = "Nothing has changed since these checks last ran; this is their result from then.\n" + text
	}
	return Result{Text: text, Title: gateTitle(gate), IsError: !gate.Passed, Complaints: Complaints(gate)}, nil
}

// Unfit answers a call whose work tree holds what no change may hold (a link,
// a nested repository): the model made it and can mend it. Other errors are
// returned as they are.
func Unfit(name string, err error) (Result, error) {
	if task.CodeOf(err) != task.CodeInvalid {
		return Result{}, err
	}
	return failure(name, "The work tree cannot become a change: %s. Nothing ran. Mend that and call %s again.", err, name), nil
}

// Verify runs the verifiers of these names (all when empty) on the work tree
// and says whether the result is from an earlier run on the same change. Only
// results in which every check could be made are kept.
func (s *Set) Verify(ctx context.Context, only []string) (gate verify.Gate, cached bool, err error) {
	patch, err := s.cfg.DiffFunc(ctx)
	if err != nil {
		return gate, false, err
	}
	sum := sha256.Sum256(patch.Diff)
	only = slices.Sorted(slices.Values(only))
	key := hex.EncodeToString(sum[:]) + strings.Join(only, "\x00")
	s.mu.Lock()
	gate, cached = s.verified[key]
	s.mu.Unlock()
	if cached {
		return gate, true, nil
	}
	gate, err = s.cfg.VerifyFunc(ctx, only)
	if err != nil {
		return gate, false, err
	}
	for _, r := range gate.Report.Results {
		if r.Status == verify.Broken || r.Status == verify.Timeout {
			return gate, false, nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified[key] = gate
	return gate, false, nil
}

// Complaints is equal for two gates that found the same things wrong.
func Complaints(g verify.Gate) string {
	if g.Passed {
		return ""
	}
	parts := slices.Clone(g.Vanished)
	for _, f := range g.New {
		parts = append(parts, f.Fingerprint)
	}
	if len(parts) == 0 {
		parts = slices.Clone(g.Reasons)
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}

func gateTitle(g verify.Gate) string {
	var parts []string
	for _, r := range g.Report.Results {
		parts = append(parts, r.Name+" "+string(r.Status))
	}
	return "verify  " + clip(strings.Join(parts, ", "), 200)
}

// GateText is what the model is told of a gate. No duration is shown, so that
// equal outcomes are equal texts.
func GateText(g verify.Gate) string {
	fresh := map[string]bool{}
	for _, f := range g.New {
		fresh[f.Fingerprint] = true
	}
	var b strings.Builder
	if g.Passed {
		b.WriteString("All checks are as they should be.\n")
	} else {
		b.WriteString("The change does not pass:\n")
		bullets(&b, g.Reasons)
	}
	for _, r := range g.Report.Results {
		verifierText(&b, r, fresh)
	}
	if len(g.Vanished) > 0 {
		fmt.Fprintf(&b, "Tests that passed before your change and no longer run: %s. Put them back.\n", clip(strings.Join(g.Vanished, ", "), 1000))
	}
	if len(g.Notes) > 0 {
		b.WriteString("Notes, which do not block:\n")
		bullets(&b, g.Notes)
	}
	return b.String()
}

func bullets(b *strings.Builder, lines []string) {
	for _, l := range lines[:min(len(lines), 10)] {
		fmt.Fprintf(b, "- %s\n", clip(Clean([]byte(l)), 300))
	}
	if len(lines) > 10 {
		fmt.Fprintf(b, "- and %d more\n", len(lines)-10)
	}
}

// verifierText tells of one verifier: a line when it passed, else what is new
// first, and what was there before only as a number.
func verifierText(b *strings.Builder, r verify.Result, fresh map[string]bool) {
	fmt.Fprintf(b, "%s: %s", r.Name, r.Status)
	if r.Status == verify.Pass || r.Status == verify.Skipped {
		if r.TestsRun > 0 {
			fmt.Fprintf(b, " (%s)", count(r.TestsRun, "test"))
		}
		fmt.Fprintf(b, "%s\n", reason(r))
		return
	}
	fmt.Fprintf(b, " (%s)%s\n", r.Command, reason(r))
	if r.Status == verify.Broken {
		b.WriteString("  The check could not be made; this says nothing about the code.\n")
	}
	var details strings.Builder
	shown, old := 0, 0
	for _, f := range r.Findings {
		switch {
		case !fresh[f.Fingerprint]:
			old++
		case shown < verifierFindings:
			shown++
			details.WriteString(findingText(f))
		default:
			shown++
		}
	}
	text := details.String()
	if shown == 0 && old == 0 {
		text = Clean([]byte(r.Output))
	}
	if text != "" {
		fmt.Fprintf(b, "%s\n", strings.TrimRight(Cut(text, verifierBytes), "\n"))
	}
	if shown > verifierFindings {
		fmt.Fprintf(b, "  [%d more]\n", shown-verifierFindings)
	}
	if old > 0 {
		fmt.Fprintf(b, "  (%d that were there before your change: not yours to mend)\n", old)
	}
}

func reason(r verify.Result) string {
	if r.Reason == "" {
		return ""
	}
	return ": " + clip(Clean([]byte(r.Reason)), 300)
}

func findingText(f verify.Finding) string {
	var where string
	if f.File != "" {
		where = f.File
		if f.Line > 0 {
			where += fmt.Sprintf(":%d", f.Line)
		}
		where += ": "
	}
	if f.TestID != "" {
		where += f.TestID + ": "
	}
	lines := strings.Split(strings.TrimRight(Clean([]byte(f.Message)), "\n"), "\n")
	if n := len(lines); n > findingLines {
		lines = append(lines[:findingLines], fmt.Sprintf("[%d more lines]", n-findingLines))
	}
	return "  " + where + strings.Join(lines, "\n    ") + "\n"
}
