package service_test

import (
	"fmt"
	"maps"
	"slices"

	"honk/fleet"
	"honk/fleet/status"
	"honk/integrations/github/githubtest"
)

// fate is what happens to a target of the fleet, and how it must end.
type fate struct {
	name string
	// percent of all targets have it, each at least one.
	percent int
	// files are its repository's beside greet.sh.
	files map[string]string
	state fleet.State
	// bucket is where its end is.
	bucket status.Bucket
	// runs is how often its script runs, what automerge asks for left out.
	runs int
}

const (
	noMerge = "shifts: no_automerge\n"
	checked = "verify: [{name: greet, run: 'sh greet.sh | grep hello'}]\n"
)

// The fates of those that are changed.
var (
	// fateSame is merged by Honk, fatePeople by a person.
	fateSame   = fate{name: "same", files: map[string]string{".honk.yaml": checked}, state: fleet.Merged, bucket: status.Merged, runs: 1}
	fatePeople = fate{name: "people", files: map[string]string{".honk.yaml": noMerge}, state: fleet.Merged, bucket: status.Merged, runs: 1}
)

// causes are what a script that fails may say: four things, each with
// something else in it for each repository.
var causes = []string{
	`"cannot open /srv/$SHIFT_REPO/conf.d/$n.toml: no such file"`,
	`"error: module example.com/$SHIFT_REPO requires go 1.$n"`,
	`"$n of 9999 patterns failed at line 12:$n"`,
	`"fetching https://mirror.example/$SHIFT_REPO/$n.tgz: connection refused"`,
}

// fates are the others.
func fates() []fate {
	person := map[string]string{".honk.yaml": noMerge}
	all := []fate{
		{name: "hung", percent: 1, state: fleet.TransformFailed, bucket: status.NoPR, runs: 3},
		{name: "moved", percent: 1, state: fleet.Merged, bucket: status.Merged, runs: 2},
		{name: "red", percent: 1, state: fleet.CIFailed, bucket: status.Red, runs: 1},
		{name: "archived", state: fleet.Unreachable, bucket: status.NoPR, runs: 1},
		{name: "adopted", files: person, state: fleet.Adopted, bucket: status.Green, runs: 1},
		{name: "closed", files: person, state: fleet.Closed, bucket: status.NoPR, runs: 1},
		{name: "unmet", state: fleet.Skipped, bucket: status.NoPR},
		{name: "off", files: map[string]string{".honk.yaml": "shifts: off\n"}, state: fleet.Skipped, bucket: status.NoPR},
		{name: "skip", state: fleet.Skipped, bucket: status.NoPR, runs: 1},
		{name: "person", state: fleet.NeedsHuman, bucket: status.NoPR, runs: 1},
	}
	for n := range causes {
		all = append(all, fate{name: fmt.Sprint("fail", n), percent: 5, state: fleet.TransformFailed, bucket: status.NoPR, runs: 3})
	}
	return all
}

// fleetScript is what the shift does in each repository. The slow ones can be
// told apart by how long they sleep.
func fleetScript() string {
	text := "n=${SHIFT_REPO#acme/r}\ncase $(cat kind) in\n"
	for n, says := range causes {
		text += fmt.Sprintf("fail%d) echo %s >&2; exit 1 ;;\n", n, says)
	}
	return text + `hung) sleep 600 ;;
skip) echo "nothing for r$n" >&2; exit 20 ;;
person) echo "somebody must look" >&2; exit 21 ;;
moved | archived) test ! -e slow || sleep 3.$n ;;
esac
sed -i 's/echo hello$/echo hello, world/' greet.sh
`
}

// fleetTarget is a repository with its fate.
type fleetTarget struct {
	fate
	number int
	repo   string
}

// canaries are the first targets.
const canaries = 5

// targets are the fleet: the canary first, then one of each fate, then all
// others by their share, and the two that are changed in turn.
func targets(size int) []fleetTarget {
	order := []fate{fateSame, fatePeople, fateSame, fateSame, fatePeople}
	rest := fates()
	order = append(order, rest...)
	for _, f := range rest {
		for range size*f.percent/100 - 1 {
			order = append(order, f)
		}
	}
	// Of three changed targets Honk merges one: it merges 500 an hour.
	changed := []fate{fatePeople, fateSame, fatePeople}
	for n := 0; len(order) < size; n++ {
		order = append(order, changed[n%len(changed)])
	}
	order = order[:max(size, canaries+len(rest))]
	// Each kind is everywhere behind the canary.
	tail := order[canaries:]
	spread := make([]fate, 0, len(tail))
	const stride = 7
	for from := range stride {
		for at := from; at < len(tail); at += stride {
			spread = append(spread, tail[at])
		}
	}
	var all []fleetTarget
	for n, f := range slices.Concat(order[:canaries], spread) {
		all = append(all, fleetTarget{fate: f, number: n + 1, repo: fmt.Sprintf("acme/r%04d", n+1)})
	}
	return all
}

// populate makes the repositories, and one that was archived before.
func (f *fleetRun) populate() {
	for _, t := range f.targets {
		files := map[string]string{"kind": t.name + "\n", "greet.sh": "#!/bin/sh\necho hello\n"}
		maps.Copy(files, t.files)
		switch t.name {
		case "unmet":
			delete(files, "greet.sh")
		case "moved", "archived":
			files["slow"] = "yes\n"
		}
		_, err := f.forge.CreateRepo(f.Context(), githubtest.NewRepo{Name: t.repo, Files: files})
		f.must(err)
		f.must(f.forge.SetPermission(t.repo, "ada", "write"))
	}
	_, err := f.forge.CreateRepo(f.Context(), githubtest.NewRepo{Name: "acme/gone", Files: map[string]string{"greet.sh": "echo hello\n"}})
	f.must(err)
	f.must(f.forge.Archive("acme/gone", true))
	_, err = f.forge.Install("acme")
	f.must(err)
}

// fleetManifest is the shift, over a file of targets: a search finds no more
// than GitHub shows.
func (f *fleetRun) manifest() string {
	return fmt.Sprintf(`apiVersion: honk/v1
kind: Shift
metadata: {name: fleet}
spec:
  targets: {github: [{org: acme}], preconditions: [{exists: greet.sh}], limit: 2000}
  transform: {script: {file: fleet.sh, timeout: 8s}}
  rollout:
    order: name
    waves:
    - {name: canary, count: %d, gate: {mergedPercent: 60, approve: true}}
    - {name: early, percent: 10}
    - {name: rest, percent: 100}
    limits: {workers: 16, openPRs: %d, pendingCI: 40, prsPerHour: 10000, burst: 500, perOwnerOpen: 2000}
    stop: {window: 1000, failPercent: 95, sameSignature: 1000}
  pullRequest: {title: Greet the world}
  merge: {mode: auto, minChecks: 1, perHour: 10000}
`, canaries, f.openPRs)
}
