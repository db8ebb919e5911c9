package service_test

import (
	"fmt"
	"net/http"
	"strings"

	"honk/fleet"
	"honk/fleet/status"
)

// httpRequest is what a fault is decided by.
type httpRequest = http.Request

// checkRows holds each row against its fate.
func (f *fleetRun) checkRows() {
	f.Helper()
	r := f.status()
	if len(r.Rows) != len(f.targets) {
		f.Errorf("the shift has %d rows, want %d", len(r.Rows), len(f.targets))
	}
	want := map[status.Bucket]int{}
	for i := range r.Rows {
		row := &r.Rows[i]
		t := f.byRepo[row.Key.Repo]
		want[t.bucket]++
		if got := status.BucketOf(row); row.State != t.state || got != t.bucket {
			f.Errorf("%s (%s) is %s in %s, want %s in %s", t.repo, t.name, row.State, got, t.state, t.bucket)
		}
	}
	for _, b := range status.Buckets() {
		if r.Buckets[b] != want[b] {
			f.Errorf("bucket %s has %d rows, want %d", b, r.Buckets[b], want[b])
		}
	}
}

// checkStatus holds what a script is told of failures against the fates.
func (f *fleetRun) checkStatus() {
	f.Helper()
	failed, causes := 0, map[string]int{}
	for _, t := range f.targets {
		if t.state.Failed() {
			failed++
		}
		if t.state.Failed() && t.state != fleet.NeedsHuman {
			causes[t.name]++
		}
	}
	f.want(10, "shift", "status", "fleet")
	f.want(10, "shift", "status", "fleet", "--fail-on", "failed")
	f.want(10, "shift", "status", "fleet", "--fail-on", fmt.Sprintf("failed>%d", failed-1))
	f.want(0, "shift", "status", "fleet", "--fail-on", fmt.Sprintf("failed>%d,regressed,halted", failed))
	found := map[string]int{}
	for _, failure := range f.status().Failures {
		cause := f.byRepo[failure.Sample.Repo].name
		for _, key := range failure.Rows {
			if name := f.byRepo[key.Repo].name; name != cause {
				f.Errorf("%s and %s have the same cause: %q", cause, name, failure.Signature.Text)
			}
		}
		if found[cause] > 0 {
			f.Errorf("%s has a second cause: %q", cause, failure.Signature.Text)
		}
		found[cause] += failure.Count
	}
	if fmt.Sprint(found) != fmt.Sprint(causes) {
		f.Errorf("the causes are %v, want %v", found, causes)
	}
}

// ran is a task of the shift, with how often its script was started and seen to
// end.
const ran = `SELECT concat_ws(' ', t.id, t.request->'origin'->>'row', CASE WHEN t.delivery_id LIKE 'prove:%' THEN 'replay' ELSE 'run' END,
	(SELECT count(*) FROM events e WHERE e.task_id = t.id AND e.kind = 'tool' AND e.data->>'tool' = 'script'), t.status)
	FROM tasks t WHERE t.source = 'shift' ORDER BY t.id`

// checkOnce counts the runs of each script.
func (f *fleetRun) checkOnce() {
	f.Helper()
	runs, replays, killed := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, line := range f.texts(ran) {
		var id, row, kind, state string
		var scripts int
		if _, err := fmt.Sscan(line, &id, &row, &kind, &scripts, &state); err != nil {
			f.Fatalf("%q: %v", line, err)
		}
		repo := strings.TrimPrefix(row, "fleet/")
		if scripts > 1 && !f.killed[id] {
			f.Errorf("the script of task %s of %s (%s) ran %d times", id, repo, f.byRepo[repo].name, scripts)
		}
		killed[repo] = killed[repo] || f.killed[id]
		if kind == "replay" {
			replays[repo]++
		} else {
			runs[repo]++
		}
	}
	for _, t := range f.targets {
		// One that was killed begins on the moved base when it begins again.
		early := t.name == "moved" && killed[t.repo] && runs[t.repo] == 1
		if runs[t.repo] != t.runs && !early {
			f.Errorf("%s (%s) has %d runs, want %d", t.repo, t.name, runs[t.repo], t.runs)
		}
		// What Honk merges is made a second time first, to prove it.
		want := 0
		if t.name == "same" || t.name == "moved" {
			want = 1
		}
		if replays[t.repo] != want {
			f.Errorf("%s (%s) was made a second time by %d tasks, want %d", t.repo, t.name, replays[t.repo], want)
		}
	}
}

// checkForge looks for what was done twice at the forge.
func (f *fleetRun) checkForge() {
	f.Helper()
	for _, t := range f.targets {
		branches, err := f.forge.Branches(f.Context(), t.repo)
		f.must(err)
		delete(branches, "main")
		if len(branches) > 1 {
			f.Errorf("%s (%s) has %d branches: %v", t.repo, t.name, len(branches), branches)
		}
		pulls, err := f.forge.Pulls(t.repo)
		f.must(err)
		commits := 0
		switch {
		case t.bucket == status.Merged, t.name == "closed":
			commits = 1
		case t.name == "adopted":
			commits = 2 // one is a person's
		}
		want := min(commits, 1)
		if len(pulls) != want || want == 1 && pulls[0].Commits != commits {
			f.Errorf("%s (%s) has the pull requests %+v, want %d of %d commits", t.repo, t.name, pulls, want, commits)
		}
		if t.bucket != status.Merged {
			continue
		}
		text, err := f.forge.File(f.Context(), t.repo, "refs/heads/main", "greet.sh")
		f.must(err)
		if text != "#!/bin/sh\necho hello, world\n" {
			f.Errorf("%s is merged and has %q", t.repo, text)
		}
	}
}
