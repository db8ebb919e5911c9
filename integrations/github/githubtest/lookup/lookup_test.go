package lookup_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/githubtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newForge(t *testing.T) (*githubtest.Forge, *client.App) {
	t.Helper()
	f, err := githubtest.New(githubtest.Options{Dir: t.TempDir()})
	must(t, err)
	must(t, f.Start(t.Context()))
	t.Cleanup(func() { _ = f.Close() })
	app, err := client.New(client.Options{
		AppID: f.AppID(), PrivateKey: f.PrivateKey(), APIURL: f.APIURL(), Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	return f, app
}

func TestSearch(t *testing.T) {
	t.Parallel()
	f, app := newForge(t)
	ctx := t.Context()
	for n, r := range []githubtest.NewRepo{
		{Name: "acme/api", Language: "Go", Topics: []string{"go"}},
		{Name: "acme/secret", Private: true},
		{Name: "other/open", Language: "Go"},
		{Name: "other/secret", Private: true},
	} {
		r.CreatedAt = time.Date(2020, 1, 1+n, 12, 0, 0, 0, time.UTC)
		_, err := f.CreateRepo(ctx, r)
		must(t, err)
	}
	must(t, f.Archive("other/open", true))
	id, err := f.Install("acme")
	must(t, err)
	at, err := app.OpenAll(ctx, client.Installed{ID: id, Account: "acme"})
	must(t, err)
	for query, want := range map[string]int{
		"org:acme": 2, "language:go": 2, "topic:go": 1, "repo:acme/api": 1, "secret": 1, "archived:true": 1, "is:private": 1,
		"user:other": 1, "created:2020-01-01": 1, "created:>=2020-01-02T12:00:00Z": 2, "created:<2020-01-03": 2,
		"created:2020-01-02..2020-01-03T12:00:00Z": 2, "created:*..2020-01-02": 1, "created:>2020-01-01T12:00:00Z": 2,
		"created:<=2020-01-01T12:00:00Z": 1, "fork:true language:GO org:other": 1,
	} {
		got, err := at.Search(ctx, query, 1, 100)
		if err != nil || got.Total != want || len(got.Repositories) != want || got.Incomplete {
			t.Errorf("%s: %+v, %v; want %d", query, got, err, want)
		}
	}
	for _, query := range []string{"", "colour:red", "created:soon", "created:2020-01-01..never"} {
		if _, err := at.Search(ctx, query, 1, 100); err == nil {
			t.Errorf("%q is no search", query)
		}
	}
	if got, err := at.Search(ctx, "language:go", 2, 1); err != nil || len(got.Repositories) != 1 || got.Repositories[0].Owner != "other" {
		t.Errorf("page 2: %+v, %v", got, err)
	}
	f.Lookup().SetCap(1)
	if _, err := at.Search(ctx, "language:go", 2, 1); err == nil {
		t.Error("there is a page beyond the cap")
	}
	f.Lookup().SetIncomplete(1)
	if got, err := at.Search(ctx, "language:go", 1, 1); err != nil || !got.Incomplete || len(got.Repositories) != 0 {
		t.Errorf("incomplete: %+v, %v", got, err)
	}
	f.Suspend("acme", true)
	if _, err := at.Search(ctx, "language:go", 1, 1); err == nil {
		t.Error("a suspended installation may search")
	}
	f.Suspend("acme", false)
	must(t, at.Close(ctx))
}

// A repository is found by the API, by git and by its number where it moved.
func TestMove(t *testing.T) {
	t.Parallel()
	f, app := newForge(t)
	ctx := t.Context()
	sha, err := f.CreateRepo(ctx, githubtest.NewRepo{Name: "acme/api", Files: map[string]string{"a/b": "x"}})
	must(t, err)
	_, err = f.CreateRepo(ctx, githubtest.NewRepo{Name: "acme/web"})
	must(t, err)
	_, err = f.Install("acme")
	must(t, err)
	must(t, f.Lookup().Move("acme/api", "acme/service"))
	for _, to := range []string{"acme/web", "acme/service"} {
		if err := f.Lookup().Move("acme/service", to); err == nil {
			t.Errorf("it moved to %s, which is there", to)
		}
	}
	talk, err := app.Talk(ctx, "acme", "service")
	must(t, err)
	if paths, cut, err := talk.Paths(ctx, sha); err != nil || cut || fmt.Sprint(paths) != "[a/b]" {
		t.Errorf("Paths() = %q, %t, %v", paths, cut, err)
	}
	if got, err := app.Moved(ctx, "acme", "api"); err != nil || got.Name != "service" {
		t.Errorf("Moved() = %+v, %v", got, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.APIURL()+"repos/acme/api/contents/a%2Fb?ref=main", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+talk.Token().Reveal())
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMovedPermanently {
		t.Fatalf("got %d", resp.StatusCode)
	}
	req.URL, err = resp.Location()
	must(t, err)
	if resp, err = client.Do(req); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %v, %v", req.URL, resp, err)
	}
	defer resp.Body.Close()
	req.URL.Path, req.URL.RawPath = "/api/v3/repositories/77/contents/a", ""
	if resp, err = client.Do(req); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("of no repository: %v, %v", resp, err)
	}
	defer resp.Body.Close()
	must(t, app.Close(ctx))
}

// A thousand repositories of the same files are there in seconds, and each is
// one of its own.
func TestCreate_many(t *testing.T) {
	t.Parallel()
	f, _ := newForge(t)
	ctx := t.Context()
	many := 1000
	if testing.Short() {
		many = 50
	}
	start := time.Now()
	files := map[string]string{"README.md": "# x\n", "go.mod": "module x\n", "main.go": "package main\n"}
	for n := range many {
		_, err := f.CreateRepo(ctx, githubtest.NewRepo{Name: fmt.Sprintf("acme/r%04d", n), Files: files})
		must(t, err)
	}
	took := time.Since(start)
	t.Logf("%d repositories in %v", many, took)
	if took > time.Minute {
		t.Errorf("%d repositories took %v", many, took)
	}
	_, err := f.Commit(ctx, githubtest.Change{Repo: "acme/r0001", Branch: "main", Login: "ada", Files: map[string]string{"x": "x"}})
	must(t, err)
	if got, err := f.File(ctx, "acme/r0001", "main", "x"); err != nil || got != "x" {
		t.Errorf("the one: %q, %v", got, err)
	}
	if _, err := f.File(ctx, "acme/r0002", "main", "x"); err == nil {
		t.Error("the other has it too")
	}
}
