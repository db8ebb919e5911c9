// Package ending reads from the end of a task what it says of its row.
package ending

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"honk/fleet"
	"honk/fleet/cluster"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/fleet/signature"
	"honk/integrations/shift/keep"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/verify"
)

// What the script's agent says of exits with a meaning of their own.
const (
	saysSkip   = "skip: "
	saysPerson = "needs a person: "
)

// Of returns what the end of a task says of its row. res has its patch.
func Of(w *keep.Work, row *fleet.Row, t task.Task, res runner.Result) *fleet.TaskFact {
	f := &fleet.TaskFact{
		ID: t.ID, Ending: fleet.EndingOf(res.Status, baseRed(res), false), Reason: res.Summary, BaseSHA: res.BaseSHA,
		CostUSD: res.Usage.CostUSD,
	}
	switch {
	case t.Request.Origin.Message != w.Recipe:
		f.Ending, f.Reason = fleet.EndCancelled, "the manifest has changed meanwhile"
		return f
	case f.Ending == fleet.EndClean && strings.HasPrefix(f.Reason, saysSkip):
		f.Ending, f.Reason = fleet.EndSkip, strings.TrimPrefix(f.Reason, saysSkip)
	case f.Ending == fleet.EndCancelled:
		// Whoever cancelled it does not want it begun again.
		f.Ending, f.Reason = fleet.EndHuman, "its task was cancelled; honk shift retry begins it again"
	case f.Ending == fleet.EndHuman:
		f.Reason = strings.TrimPrefix(f.Reason, saysPerson)
	case f.Ending == fleet.EndVerify || f.Ending == fleet.EndBase || f.Ending == fleet.EndFailed:
		f.Signature = signature.Of(cmp.Or(verified(res.Gate), f.Reason+"\n"+strings.Join(res.Gate.Reasons, "\n")))
	}
	if res.BaseSHA != "" { // A run that came to no checkout has no key.
		f.CacheKey = plan.CacheKey(res.BaseSHA, row.Key.Unit, w.Recipe)
	}
	if f.Ending == fleet.EndChanged {
		f.Change = change(res)
		f.Reason = ""
		if why := outside(w.Manifest.Spec.Scope, row.Key.Unit, res.Patch); why != "" {
			f.Ending, f.Reason = fleet.EndHuman, why
		}
	}
	return f
}

// verified is what the verifiers that do not pass say: what is new of it where
// that has a name, else all of it.
func verified(g verify.Gate) string {
	var said []string
	for _, r := range g.Report.Results {
		if r.Status == verify.Pass || r.Status == verify.Skipped {
			continue
		}
		named := 0
		for _, f := range g.New {
			if f.Verifier == r.Name && f.Rule != "exit status" {
				said = append(said, f.Message)
				named++
			}
		}
		if named == 0 {
			said = append(said, cmp.Or(r.Output, r.Reason))
		}
	}
	return strings.TrimSpace(strings.Join(said, "\n"))
}

// baseRed reports whether all that is red is as red on the base.
func baseRed(res runner.Result) bool {
	return len(res.Gate.New) == 0 && len(res.Gate.Vanished) == 0 && len(res.Gate.Old) > 0
}

// change sums a task's patch up.
func change(res runner.Result) fleet.Change {
	sum := sha256.Sum256(res.Patch.Diff)
	shape := cluster.Of(res.Patch.Diff)
	return fleet.Change{
		Patch: hex.EncodeToString(sum[:]), Shape: shape.ID, Exact: shape.Exact, Files: shape.Files, Lines: shape.Lines,
		Findings: len(res.Checks) > 0 || sensitive(res.Patch),
	}
}

// sensitive reports whether a patch touches what decides which code runs, who
// reviews and what Honk may do: Honk never merges that by itself.
func sensitive(p task.Patch) bool {
	for _, f := range p.Files {
		low := "/" + strings.ToLower(f.Path)
		switch base := path.Base(low); {
		case strings.Contains(low, "/.github/"), base == "codeowners", base == ".honk.yaml", base == ".honk.yml":
			return true
		}
	}
	return false
}

// outside says how a patch leaves the scope, empty when it does not.
func outside(s manifest.Scope, unit string, p task.Patch) string {
	lines := 0
	for _, f := range p.Files {
		lines += f.Added + f.Removed
		inside := len(s.Allow) == 0 || matches(s.Allow, f.Path)
		switch {
		case !inside || matches(s.Deny, f.Path):
			return "it changes " + f.Path + ", which spec.scope does not allow"
		case unit != "" && !strings.HasPrefix(f.Path, unit+"/"):
			return "it changes " + f.Path + ", which is outside the unit " + unit
		}
	}
	switch {
	case s.MaxFiles > 0 && len(p.Files) > s.MaxFiles:
		return "it changes more files than spec.scope.maxFiles allows"
	case s.MaxLines > 0 && lines > s.MaxLines:
		return "it changes more lines than spec.scope.maxLines allows"
	}
	return ""
}

func matches(globs []string, name string) bool {
	for _, glob := range globs {
		if doublestar.MatchUnvalidated(glob, name) {
			return true
		}
	}
	return false
}

// StateOf is where a run's ending would leave a row.
func StateOf(e fleet.Ending) fleet.State {
	return cmp.Or(map[fleet.Ending]fleet.State{
		fleet.EndChanged: fleet.Ready, fleet.EndClean: fleet.NoChange, fleet.EndSkip: fleet.Skipped, fleet.EndFailed: fleet.TransformFailed,
		fleet.EndVerify: fleet.VerifyFailed, fleet.EndBase: fleet.BaseBroken, fleet.EndBudget: fleet.Waiting, fleet.EndCancelled: fleet.Waiting,
	}[e], fleet.NeedsHuman)
}
