package github_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"honk/integrations/github"
	"honk/integrations/github/client"
	"honk/integrations/github/githubtest"
	"honk/integrations/github/page"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/queue"
	"honk/queue/view"
)

const (
	hookSecret = "hook-secret"
	repoName   = "acme/api"
)

// bundle is the door of a forge with the repository acme/api, where ada and
// eve can write and bob can read. Its webhooks go through the door into the
// queue; no worker runs: handle does what one would.
type bundle struct {
	*testing.T
	forge *githubtest.Forge
	door  *github.Door
	db    *postgres.DB
	q     *queue.Queue
	// ahead moves the forge's clock, which knows whole seconds.
	ahead atomic.Int64
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{T: t}
	log := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(t.Context(), pgtest.New(t, migrateAll, "door"), 8)
	b.must(err)
	t.Cleanup(db.Close)
	b.db = db
	b.q, err = queue.New(db, log)
	b.must(err)
	b.forge, err = githubtest.New(githubtest.Options{
		Dir: t.TempDir(), WebhookSecret: hookSecret,
		NowFunc: func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load()) * time.Second) },
	})
	b.must(err)
	b.must(b.forge.Start(t.Context()))
	t.Cleanup(func() { _ = b.forge.Close() })
	b.door = b.newDoor(log)
	hooks := httptest.NewServer(b.door)
	t.Cleanup(hooks.Close)
	b.forge.SetWebhookURL(hooks.URL)
	_, err = b.forge.CreateRepo(t.Context(), githubtest.NewRepo{Name: repoName, Files: map[string]string{"README.md": "# api\n\ntext\n"}})
	b.must(err)
	for login, role := range map[string]string{"ada": "write", "eve": "maintain", "bob": "read"} {
		b.must(b.forge.SetPermission(repoName, login, role))
	}
	_, err = b.forge.Install("acme")
	b.must(err)
	b.handle()
	return b
}

func (b *bundle) newDoor(log *slog.Logger) *github.Door {
	b.Helper()
	app, err := client.New(client.Options{
		AppID: b.forge.AppID(), PrivateKey: b.forge.PrivateKey(), APIURL: b.forge.APIURL(), Log: log,
	})
	b.must(err)
	secrets, err := secret.New(nil, nil)
	b.must(err)
	pages, err := page.New(page.Options{Secrets: secrets})
	b.must(err)
	return github.New(github.Options{
		App: app, DB: b.db, Queue: b.q, Pages: pages, WebhookSecrets: []config.Secret{hookSecret},
		ViewFunc: func(ctx context.Context, rec postgres.Record) (runner.View, error) { return view.Of(ctx, b.db, rec) },
		GitURL:   b.forge.GitURL(), Models: []string{"large"}, Floor: config.JudgeAdvise, Log: log,
		Service: config.Service{
			Label:    "honk",
			FollowUp: config.FollowUp{Repairs: 2, Reviews: 5, Quiet: 50 * time.Millisecond, Longest: time.Second},
		},
	})
}

func migrateAll(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, 4)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = queue.Migrate(ctx, db)
	return err
}

func (b *bundle) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// tick lets time pass between two acts of people.
func (b *bundle) tick() { b.ahead.Add(2) }

// deliveries returns what waits to be handled, oldest first.
func (b *bundle) deliveries() (list []task.Delivery) {
	b.Helper()
	b.must(b.forge.WaitDeliveries(b.Context()))
	rows, err := b.db.Pool().Query(b.Context(), "SELECT source, id FROM deliveries WHERE handled_at IS NULL ORDER BY received_at, id")
	b.must(err)
	var ids [][2]string
	for rows.Next() {
		var id [2]string
		b.must(rows.Scan(&id[0], &id[1]))
		ids = append(ids, id)
	}
	b.must(rows.Err())
	for _, id := range ids {
		d, err := b.db.Delivery(b.Context(), task.Source(id[0]), id[1])
		b.must(err)
		list = append(list, d)
	}
	return list
}

// handle handles what waits, each delivery twice: the first worker is killed
// before it can say that it was done. It returns what became of the first.
func (b *bundle) handle() (first string) {
	b.Helper()
	for i, d := range b.deliveries() {
		got, err := b.door.Handle(b.Context(), d)
		b.must(err)
		again, err := b.door.Handle(b.Context(), d)
		b.must(err)
		b.must(b.db.Handled(b.Context(), d.Source, d.ID, again))
		if i == 0 {
			first = got
		}
	}
	return first
}

// says comments on an issue or pull request and has that handled.
func (b *bundle) says(login string, number int, text string) string {
	b.Helper()
	b.tick()
	_, err := b.forge.Comment(githubtest.At{Login: login, Repo: repoName, Number: number}, text)
	b.must(err)
	return b.handle()
}

func (b *bundle) issue(login, title, body string) int {
	b.Helper()
	n, err := b.forge.OpenIssue(login, repoName, title, body)
	b.must(err)
	return n
}

// tasks returns all tasks, oldest first.
func (b *bundle) tasks() []postgres.Record {
	b.Helper()
	list, err := b.db.Tasks(b.Context(), "", 100)
	b.must(err)
	slices.Reverse(list)
	return list
}

// only returns the one task that there is to be.
func (b *bundle) only() postgres.Record {
	b.Helper()
	list := b.tasks()
	if len(list) != 1 {
		b.Fatalf("there are %d tasks, want one", len(list))
	}
	return list[0]
}

// replies returns the texts of the replies that are owed, oldest first.
func (b *bundle) replies() (texts []string) {
	b.Helper()
	rows, err := b.db.Pool().Query(b.Context(), "SELECT body FROM notices WHERE kind = 'reply' ORDER BY id")
	b.must(err)
	for rows.Next() {
		var text string
		b.must(rows.Scan(&text))
		texts = append(texts, text)
	}
	b.must(rows.Err())
	return texts
}

// wantReplies compares the number of replies, and looks for a text in the last.
func (b *bundle) wantReplies(n int, text string) {
	b.Helper()
	got := b.replies()
	if len(got) != n {
		b.Fatalf("got %d replies, want %d: %q", len(got), n, got)
	}
	if n > 0 && !strings.Contains(got[n-1], text) {
		b.Errorf("the last reply does not say %q: %s", text, got[n-1])
	}
}

// runs takes the next task as a worker does.
func (b *bundle) runs() postgres.Record {
	b.Helper()
	var rec postgres.Record
	b.must(b.db.InTx(b.Context(), func(tx *postgres.Tx) error {
		got, ok, err := tx.Claim(b.Context(), "w", postgres.Room{})
		if err == nil && !ok {
			err = fmt.Errorf("there is no task to take")
		}
		rec = got
		return err
	}))
	return rec
}

// ends ends a task that runs.
func (b *bundle) ends(rec postgres.Record, status task.Status, pr *task.PullRequest) {
	b.Helper()
	res := runner.Result{Outcome: task.Outcome{Status: status, Summary: "It is done.", BaseSHA: b.branch("main"), PullRequest: pr}}
	b.must(b.db.InTx(b.Context(), func(tx *postgres.Tx) error {
		if err := tx.Finish(b.Context(), rec.Task, status, res); err != nil || pr == nil {
			return err
		}
		return tx.PutPullRequest(b.Context(), postgres.PullRequest{PullRequest: *pr, Repo: rec.Request.Repo, LastTaskID: rec.ID})
	}))
}

func (b *bundle) branch(name string) string {
	b.Helper()
	all, err := b.forge.Branches(b.Context(), repoName)
	b.must(err)
	return all[name]
}

// push commits to a branch as somebody.
func (b *bundle) push(login, branch, text string) string {
	b.Helper()
	sha, err := b.forge.Commit(b.Context(), githubtest.Change{
		Repo: repoName, Branch: branch, Login: login, Files: map[string]string{"README.md": text},
	})
	b.must(err)
	return sha
}

// ours makes a pull request that a task of ada's has delivered.
func (b *bundle) ours() (pr task.PullRequest, rec postgres.Record) {
	b.Helper()
	b.says("ada", b.issue("ada", "Slow", "It is slow."), "/honk make it fast")
	rec = b.runs()
	branch := fmt.Sprintf("honk/%s-fast", rec.ID)
	sha := b.push("honk-pusher", branch, "# api\n\nfast\n\nand\n\nsound\n")
	n, err := b.forge.OpenPull(b.Context(), "honk-pusher", repoName, githubtest.NewPull{Title: "Fast", Head: branch})
	b.must(err)
	pr = task.PullRequest{Number: n, Branch: branch, HeadSHA: sha, Base: "main", State: task.PullRequestOpen}
	b.ends(rec, task.StatusDelivered, &pr)
	b.handle()
	return pr, rec
}

func (b *bundle) at(login string, number int) githubtest.At {
	return githubtest.At{Login: login, Repo: repoName, Number: number}
}
