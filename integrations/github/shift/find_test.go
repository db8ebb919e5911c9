package shift_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/githubtest"
	"honk/integrations/github/shift"
	"honk/internal/task"
)

func asRefused(err error, e **shift.RefusedError) bool { return errors.As(err, e) }

func names(list []task.Listing) []string {
	var out []string
	for _, l := range list {
		out = append(out, l.String())
	}
	return out
}

func TestFind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	yes, no := true, false
	b.create(githubtest.NewRepo{Name: "acme/web", Language: "TypeScript", Topics: []string{"service"}, Private: true})
	b.create(githubtest.NewRepo{Name: "acme/old", Language: "Go", Topics: []string{"go"}})
	b.create(githubtest.NewRepo{Name: "other/tool", Language: "Go", Topics: []string{"go"}})
	b.must(b.hub.Archive("acme/old", true))
	for name, tt := range map[string]struct {
		query       shift.Query
		want        []string
		unreachable []string
		code        task.Code
	}{
		"org":                {shift.Query{Org: "ACME"}, []string{"acme/api", "acme/old", "acme/web"}, nil, ""},
		"topics":             {shift.Query{Topics: []string{"go", "service"}}, []string{"acme/api"}, nil, ""},
		"not archived":       {shift.Query{Org: "acme", Topics: []string{"go"}, Archived: &no}, []string{"acme/api"}, nil, ""},
		"archived":           {shift.Query{Archived: &yes}, []string{"acme/old"}, nil, ""},
		"nothing fits":       {shift.Query{Org: "acme", Topics: []string{"rust"}}, nil, nil, ""},
		"org without us":     {shift.Query{Org: "other"}, nil, nil, task.CodeNotFound},
		"search":             {shift.Query{Search: "language:go"}, []string{"acme/api", "acme/old"}, []string{"other/tool"}, ""},
		"search private":     {shift.Query{Search: "org:acme topic:service"}, []string{"acme/api", "acme/web"}, nil, ""},
		"search and filter":  {shift.Query{Search: "language:go", Archived: &no}, []string{"acme/api"}, []string{"other/tool"}, ""},
		"search elsewhere":   {shift.Query{Search: "org:other"}, nil, []string{"other/tool"}, ""},
		"search not allowed": {shift.Query{Search: "colour:red"}, nil, nil, task.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := b.forge.Find(t.Context(), tt.query)
			if task.CodeOf(err) != tt.code {
				t.Fatalf("got %v, want %q", err, tt.code)
			}
			if diff := cmp.Diff(tt.want, names(got.Repos)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.unreachable, got.Unreachable); diff != "" {
				t.Errorf("unreachable (-want +got):\n%s", diff)
			}
		})
	}
	t.Cleanup(b.wantNoTokens)
}

// many makes repositories, each created a day after the one before.
func (b *bundle) many(n int) {
	b.Helper()
	for i := range n {
		b.create(githubtest.NewRepo{
			Name: fmt.Sprintf("acme/r%03d", i), Topics: []string{"many"},
			CreatedAt: time.Date(2019, 3, 1+i, 0, 0, 0, 0, time.UTC),
		})
	}
}

func TestFind_split(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.many(41)
	b.hub.Lookup().SetCap(5)
	b.forge.SetCap(5)
	got, err := b.forge.Find(t.Context(), shift.Query{Search: "topic:many"})
	b.must(err)
	if len(got.Repos) != 41 || got.Repos[40].Name != "r040" {
		t.Errorf("found %d: %q", len(got.Repos), names(got.Repos))
	}
	b.hub.ForgetRequests()
	_, err = b.forge.Find(t.Context(), shift.Query{Search: "topic:many"})
	b.must(err)
	for _, r := range b.hub.Requests() {
		if r.Path == "/api/v3/search/repositories" {
			t.Error("a page is asked for again at once")
		}
	}
	_, err = b.forge.Find(t.Context(), shift.Query{Search: "topic:many created:>2018-01-01"})
	b.want(err, task.CodeInvalid)
}

func TestFind_limited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hub.Fault(once(http.MethodGet, "/search/repositories", githubtest.PrimaryLimit(time.Minute), 1))
	_, err := b.forge.Find(t.Context(), shift.Query{Search: "org:acme"})
	b.want(err, task.CodeRateLimited)
	if e, ok := errors.AsType[*task.Error](err); !ok || e.After < 30*time.Second || e.After > 2*time.Minute {
		t.Errorf("the wait is %v", err)
	}
}

// What is interrupted goes on where it was.
func TestFind_interrupted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.many(30)
	b.hub.Lookup().SetCap(5)
	b.forge.SetCap(5)
	answered := func() map[string]int {
		seen := map[string]int{}
		for _, r := range b.hub.Requests() {
			if r.Path == "/api/v3/search/repositories" && r.Status == http.StatusOK {
				seen[r.Query]++
			}
		}
		return seen
	}
	b.hub.Fault(func(r *http.Request) *githubtest.Fault {
		if r.URL.Path == "/api/v3/search/repositories" && len(answered()) >= 10 {
			return githubtest.BadGateway(false)
		}
		return nil
	})
	_, err := b.forge.Find(t.Context(), shift.Query{Search: "topic:many"})
	b.want(err, task.CodeUnavailable)
	b.hub.Fault(nil)
	got, err := b.forge.Find(t.Context(), shift.Query{Search: "topic:many"})
	b.must(err)
	if len(got.Repos) != 30 {
		t.Errorf("found %q", names(got.Repos))
	}
	for query, n := range answered() {
		if n > 1 {
			t.Errorf("%s was asked %d times", query, n)
		}
	}
	b.wantNoTokens()
}

func TestFind_oneSecond(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 4 {
		b.create(githubtest.NewRepo{
			Name: fmt.Sprintf("acme/s%d", i), Topics: []string{"many"}, CreatedAt: time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC),
		})
	}
	b.hub.Lookup().SetCap(3)
	b.forge.SetCap(3)
	_, err := b.forge.Find(t.Context(), shift.Query{Search: "topic:many"})
	b.want(err, task.CodeInvalid)
}

func TestFind_incomplete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hub.Lookup().SetIncomplete(1)
	_, err := b.forge.Find(t.Context(), shift.Query{Search: "org:acme"})
	b.want(err, task.CodeUnavailable)
	got, err := b.forge.Find(t.Context(), shift.Query{Search: "org:acme"})
	b.must(err)
	if !slices.Equal(names(got.Repos), []string{repo}) {
		t.Errorf("found %q", names(got.Repos))
	}
	b.wantNoTokens()
}

func TestRepo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	got, err := b.forge.Repo(ctx, repo)
	b.must(err)
	if got.String() != repo || got.DefaultBranch != "main" || got.Language != "Go" || got.Archived || got.URL != b.hub.GitURL()+"acme/api.git" {
		t.Errorf("got %+v", got)
	}
	b.must(b.hub.Archive(repo, true))
	if got, err = b.forge.Repo(ctx, repo); err != nil || !got.Archived {
		t.Errorf("archived: %+v, %v", got, err)
	}
	// The handle that is open follows, and so does a fresh one.
	b.must(b.hub.Lookup().Move(repo, "acme/service"))
	for range 2 {
		if got, err = b.forge.Repo(ctx, repo); err != nil || got.String() != "acme/service" {
			t.Errorf("renamed: %+v, %v", got, err)
		}
		b.must(b.app.Close(ctx))
	}
	_, err = b.hub.Install("other")
	b.must(err)
	b.must(b.hub.Lookup().Move("acme/service", "other/service"))
	for _, name := range []string{repo, "acme/service", "other/service"} {
		if got, err = b.forge.Repo(ctx, name); err != nil || got.String() != "other/service" {
			t.Errorf("transferred: %s is %+v, %v", name, got, err)
		}
	}
	_, err = b.forge.Repo(ctx, "acme/none")
	b.want(err, task.CodeNotFound)
	_, err = b.forge.Repo(ctx, "acme")
	b.want(err, task.CodeInvalid)
	b.hub.Uninstall("other")
	_, err = b.forge.Repo(ctx, "other/service")
	b.want(err, task.CodeNotFound)
}
