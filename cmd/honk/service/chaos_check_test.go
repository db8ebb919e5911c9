package service_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"honk/integrations/github/page"
	"honk/internal/task"
)

// pending says what is still to be done, "" for nothing.
func (c *chaos) pending() string {
	var left []string
	for _, q := range []struct{ what, sql string }{
		{"tasks not ended", "SELECT count(*) FROM tasks WHERE finished_at IS NULL"},
		{"messages owed", "SELECT count(*) FROM notices WHERE closed_at IS NULL"},
		{"deliveries not handled", "SELECT count(*) FROM deliveries WHERE handled_at IS NULL"},
		{"jobs not done", openJobs},
	} {
		n, err := c.count(q.sql)
		if err != nil {
			return err.Error()
		}
		if n > 0 {
			left = append(left, fmt.Sprintf("%d %s", n, q.what))
		}
	}
	if n, err := c.count("SELECT count(DISTINCT (repo_id, thread)) FROM tasks"); err != nil || n < c.tasks {
		left = append(left, fmt.Sprintf("%d of %d requests have arrived", n, c.tasks))
	}
	return strings.Join(left, ", ")
}

// openJobs counts River's jobs that are not over, but for what is done now and
// then.
const openJobs = `SELECT count(*) FROM river_job WHERE kind <> 'chore' AND state NOT IN ('completed', 'cancelled')`

// ending is a task as it is in the end.
type ending struct {
	id       task.ID
	status   task.Status
	attempts int
}

// endings are the tasks of each thread.
func (c *chaos) endings() map[string][]ending {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 10*time.Second)
	defer cancel()
	rows, err := c.db.Pool().Query(ctx, `SELECT r.owner || '/' || r.name || '#' || t.thread, t.id, t.status, t.attempt
		FROM tasks t JOIN repositories r ON r.id = t.repo_id ORDER BY t.id`)
	c.must(err)
	defer rows.Close()
	out := map[string][]ending{}
	for rows.Next() {
		var at, id, status string
		var e ending
		c.must(rows.Scan(&at, &id, &status, &e.attempts))
		e.id, e.status = task.ID(id), task.Status(status)
		out[at] = append(out[at], e)
	}
	c.must(rows.Err())
	return out
}

// checkForge holds what people see against what they asked for.
func (c *chaos) checkForge() {
	endings := c.endings()
	branches := map[string][]string{}
	for _, r := range c.requests {
		at := fmt.Sprintf("%s#%d", r.repo, r.number)
		tasks := endings[at]
		if len(tasks) != 1 {
			c.Errorf("%s (%s) has %d tasks, want one: %+v", at, r.word, len(tasks), tasks)
			continue
		}
		e := tasks[0]
		if e.status != r.want {
			c.Errorf("task %s of %s ended %s, want %s", e.id, at, e.status, r.want)
		}
		answer := c.checkAnswer(r, e)
		if e.status == task.StatusDelivered {
			branches[r.repo] = append(branches[r.repo], c.checkPull(r, e, answer))
		}
	}
	for n := range c.repos {
		c.checkRepo(repoName(n), branches[repoName(n)])
	}
	if want := c.tasks; len(endings) != want {
		c.Errorf("tasks in %d threads, want %d", len(endings), want)
	}
}

// checkAnswer finds the one comment of a task, which must be true.
func (c *chaos) checkAnswer(r *request, e ending) string {
	all, err := c.forge.Comments(r.repo, r.number)
	c.must(err)
	var said []string
	for _, comment := range all {
		if comment.Login == c.forge.BotLogin() {
			said = append(said, comment.Body)
		}
	}
	if len(said) != 1 {
		c.Errorf("%s#%d has %d comments of ours, want one: %.200q", r.repo, r.number, len(said), said)
		return ""
	}
	if !page.HasMarker(said[0], e.id) || e.status == r.want && !strings.Contains(said[0], "\n"+r.says) {
		c.Errorf("%s#%d ended %s, and is told: %s", r.repo, r.number, e.status, said[0])
	}
	return said[0]
}

// checkPull finds the one pull request of a delivered task and returns its
// branch.
func (c *chaos) checkPull(r *request, e ending, answer string) string {
	pulls, err := c.forge.Pulls(r.repo)
	c.must(err)
	branch := ""
	for _, p := range pulls {
		if !strings.HasPrefix(p.Head, "honk/"+string(e.id)) {
			continue
		}
		if branch != "" {
			c.Errorf("task %s has more than one pull request", e.id)
		}
		branch = p.Head
		if !strings.Contains(answer, fmt.Sprintf("#%d", p.Number)) {
			c.Errorf("the answer of task %s does not name its pull request #%d: %s", e.id, p.Number, answer)
		}
		commits, err := c.forge.Messages(context.WithoutCancel(c.Context()), r.repo, p.Head)
		c.must(err)
		content, err := c.forge.File(context.WithoutCancel(c.Context()), r.repo, p.Head, "out/"+r.id+".txt")
		c.must(err)
		if len(commits) != 1 || p.Files != 1 || content != "job "+r.id+" is done\n" {
			c.Errorf("pull request %s#%d has %d commits, %d files and the content %q", r.repo, p.Number, len(commits), p.Files, content)
		}
		comments, err := c.forge.Comments(r.repo, p.Number)
		c.must(err)
		if len(comments) > 0 {
			c.Errorf("pull request %s#%d has %d comments", r.repo, p.Number, len(comments))
		}
	}
	if branch == "" {
		c.Errorf("task %s has no pull request", e.id)
	}
	return branch
}

// checkRepo looks for branches and pull requests that nobody asked for.
func (c *chaos) checkRepo(repo string, want []string) {
	have, err := c.forge.Branches(context.WithoutCancel(c.Context()), repo)
	c.must(err)
	delete(have, "main")
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(have)); !slices.Equal(got, want) {
		c.Errorf("%s has the branches %q, want %q", repo, got, want)
	}
	pulls, err := c.forge.Pulls(repo)
	c.must(err)
	if len(pulls) != len(want) {
		c.Errorf("%s has %d pull requests, want %d", repo, len(pulls), len(want))
	}
}

// checkDatabase looks for what was left undone.
func (c *chaos) checkDatabase() {
	for _, q := range []struct{ what, sql string }{
		{"task not ended", "SELECT id || ' ' || status FROM tasks WHERE finished_at IS NULL OR status IN ('queued', 'running') OR worker IS NOT NULL"},
		{"open notice", "SELECT kind || ' ' || key FROM notices WHERE closed_at IS NULL"},
		{"second notice", "SELECT task_id FROM notices GROUP BY task_id HAVING count(*) > 1"},
		{"notice of another kind", "SELECT kind || ' ' || key FROM notices WHERE kind <> 'task'"},
		{"delivery not handled", "SELECT event || ' ' || id FROM deliveries WHERE handled_at IS NULL"},
		{"delivery that was not understood", "SELECT event || ' ' || result FROM deliveries WHERE result LIKE 'refused%' OR result LIKE 'given%'"},
		{"reservation", "SELECT task_id || ' attempt ' || attempt FROM reservations"},
		{"reserved budget", "SELECT scope FROM budgets WHERE reserved_usd > 0.000001 OR reserved_tokens > 0"},
		{"token", "SELECT id FROM tokens"},
		{"worker", "SELECT id FROM workers"},
		{"job", "SELECT kind || ' ' || state || ' ' || coalesce(errors[1]->>'error', '') FROM river_job WHERE state NOT IN ('completed', 'cancelled') AND kind <> 'chore'"},
		{"cancelled job", "SELECT kind || ' ' || coalesce(errors[1]->>'error', '') FROM river_job WHERE state = 'cancelled'"},
		{"gap in the events", "SELECT task_id FROM events GROUP BY task_id HAVING count(*) <> max(seq)"},
	} {
		left, err := c.rows(q.sql)
		c.must(err)
		for _, l := range left {
			c.Errorf("left in the database: %s: %s", q.what, l)
		}
	}
}

// checkMachine looks for what was left on this machine, and for tokens.
func (c *chaos) checkMachine() {
	texts := []string{c.env["HONK_DATA_DIR"]}
	for _, tasks := range c.endings() {
		texts = append(texts, string(tasks[0].id))
	}
	for _, p := range ours(texts...) {
		c.Errorf("a process is left: %s", p)
	}
	for _, dir := range []string{filepath.Join(c.env["HONK_DATA_DIR"], "tasks"), c.scratch()} {
		entries, err := os.ReadDir(dir)
		c.must(err)
		for _, e := range entries {
			c.Errorf("%s is left in %s", e.Name(), dir)
		}
	}
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/honk-sandbox-*")
	deeper, _ := filepath.Glob("/sys/fs/cgroup/*/*/honk-sandbox-*")
	flat, _ := filepath.Glob("/sys/fs/cgroup/honk-sandbox-*")
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sandbox) == 0 {
		c.Error("no sandbox was seen, so nothing can be said of what they left")
	}
	for _, dir := range slices.Concat(groups, deeper, flat) {
		if c.sandbox[filepath.Base(dir)] {
			c.Errorf("the cgroup %s is left", dir)
		}
	}
	for _, p := range c.all {
		for l := range strings.Lines(p.out.String()) {
			if strings.Contains(l, "panic") || strings.Contains(l, "end of the task not stored") {
				c.Errorf("honk complains: %s", l)
			}
		}
	}
	if left, used := c.tokens(); used > 0 || left > c.trouble.lost+len(c.killed)+len(c.outages) {
		c.Errorf("%d tokens are not revoked, %d of them were used; %d were made without an answer", left, used, c.trouble.lost)
	}
}

// tokens counts those that are not revoked, and those of them that somebody
// has used.
func (c *chaos) tokens() (left, used int) {
	by := map[string]bool{}
	for _, r := range c.forge.Requests() {
		by[r.As] = true
	}
	for n, t := range c.forge.Tokens() {
		if !t.Revoked {
			left++
			if by[fmt.Sprintf("token %d", n+1)] {
				used++
			}
		}
	}
	return left, used
}

// table is what happened, counted.
func (c *chaos) table() string {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(what string, n any) { fmt.Fprintf(w, "%s\t%v\n", what, n) }
	row("seed", c.seed)
	row("requests", len(c.requests))
	status := map[string]int{}
	attempts, most, tasks := 0, 0, 0
	for _, list := range c.endings() {
		for _, e := range list {
			status[string(e.status)]++
			tasks, attempts, most = tasks+1, attempts+e.attempts, max(most, e.attempts)
		}
	}
	row("tasks", tasks)
	for _, name := range slices.Sorted(maps.Keys(status)) {
		row("  "+name, status[name])
	}
	row("attempts per task, mean", fmt.Sprintf("%.2f", float64(attempts)/float64(max(tasks, 1))))
	row("attempts per task, most", most)
	row("workers killed", len(c.killed))
	row("database restarted", len(c.outages))
	requests := c.forge.Requests()
	row("requests to the forge", len(requests))
	c.trouble.mu.Lock()
	defer c.trouble.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(c.trouble.met)) {
		row("  "+name, c.trouble.met[name])
	}
	sent, repeated, lost, unanswered := c.deliveries()
	row("webhooks", sent)
	row("  repeated", repeated)
	row("  lost on the way", lost)
	row("  sent to nobody", unanswered)
	left, _ := c.tokens()
	row("tokens made", len(c.forge.Tokens()))
	row("  whose making was not answered", c.trouble.lost)
	row("  not revoked", left)
	row("wall time", c.wall.Round(time.Second))
	_ = w.Flush() // to memory
	return text.String()
}

// deliveries counts the webhooks, those sent again, those that the forge lost
// and those that nobody answered.
func (c *chaos) deliveries() (sent, repeated, lost, unanswered int) {
	seen := map[string]bool{}
	for _, d := range c.forge.Deliveries() {
		switch {
		case d.Lost:
			lost++
		case d.Status == 0:
			unanswered++
		}
		if seen[d.GUID] {
			repeated++
		} else {
			sent++
		}
		seen[d.GUID] = true
	}
	return sent, repeated, lost, unanswered
}

// explain logs what helps to find out why something failed.
func (c *chaos) explain() {
	for _, sql := range []string{
		"SELECT id || ' ' || status || ' attempt ' || attempt || ' ' || failures || ' ' || waiting || ' ' || coalesce(worker, '') || ' ' || left(coalesce(result->>'error', ''), 300) FROM tasks WHERE status NOT IN ('delivered')",
		"SELECT task_id || ' ' || seq || ' ' || verdict FROM verdicts WHERE decision <> 'approve'",
		"SELECT event || ' ' || coalesce(handled_at::text, 'open') || ' ' || result FROM deliveries WHERE result NOT LIKE 'noted%'",
		"SELECT kind || ' ' || state || ' ' || coalesce(errors[array_length(errors, 1)]->>'error', '') FROM river_job WHERE state NOT IN ('completed')",
	} {
		left, err := c.rows(sql)
		c.Logf("%s %v", strings.Join(left, "\n"), err)
	}
}
