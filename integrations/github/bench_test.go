package github_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/integrations/github"
	"honk/integrations/github/event"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/postgres/server"
	"honk/internal/web"
	"honk/queue"
)

const (
	benchRate   = 500 // deliveries a second
	benchTime   = 20 * time.Second
	benchSecret = "bench-secret"
	benchPath   = "/webhooks/github"
)

// BenchmarkWebhook sends signed comments with a command at a constant rate
// and measures each answer from the moment at which the delivery was due: a
// slow answer delays none that follows, and hides none. The database syncs
// every commit to the disk, as in service; no worker runs. "bare" is the same
// load on the least that a handler can do: check the signature and insert one
// row.
func BenchmarkWebhook(b *testing.B) {
	db := newDatabase(b)
	log := slog.New(slog.DiscardHandler)
	q, err := queue.New(db, log)
	if err != nil {
		b.Fatal(err)
	}
	door := github.New(github.Options{
		DB: db, Queue: q, WebhookSecrets: []config.Secret{benchSecret}, Log: log,
	})
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { takeBare(db, w, r) })
	exec(b, db, "CREATE TABLE bare (LIKE deliveries INCLUDING ALL)")
	for b.Loop() {
		base := load(b, bare)
		if n := count(b, db, "bare"); n != len(base) {
			b.Fatalf("%d rows of %d deliveries", n, len(base))
		}
		got := load(b, door)
		if d, j := count(b, db, "deliveries"), count(b, db, "river_job"); d != len(got) || j != len(got) {
			b.Fatalf("%d rows and %d jobs of %d deliveries", d, j, len(got))
		}
		for _, p := range []int{50, 99} {
			b.ReportMetric(ms(got, p), fmt.Sprintf("p%d-ms", p))
			b.ReportMetric(ms(base, p), fmt.Sprintf("bare-p%d-ms", p))
			b.ReportMetric(ms(got, p)/ms(base, p), fmt.Sprintf("p%d/bare", p))
		}
		exec(b, db, "TRUNCATE bare, deliveries, river_job")
	}
}

// takeBare is the least that a handler can do to lose nothing.
func takeBare(db *postgres.DB, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !event.Verify(body, r.Header.Get("X-Hub-Signature-256"), benchSecret) {
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	_, err = db.Pool().Exec(r.Context(), "INSERT INTO bare (source, id, event, payload) VALUES ('github', $1, $2, $3)",
		r.Header.Get("X-GitHub-Delivery"), r.Header.Get("X-GitHub-Event"), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// load sends deliveries to a handler for benchTime and returns how long each
// took, shortest first.
func load(b *testing.B, h http.Handler) []time.Duration {
	b.Helper()
	addr, stop := serve(b, h)
	defer stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchRate}}
	defer client.CloseIdleConnections()
	payload := commentPayload(b)
	mac := hmac.New(sha256.New, []byte(benchSecret))
	_, _ = mac.Write(payload)
	sign := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	send := func(i int) error {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+addr+benchPath, strings.NewReader(string(payload)))
		if err != nil {
			return err
		}
		req.Header = http.Header{
			"Content-Type": {"application/json"}, "X-Github-Event": {"issue_comment"},
			"X-Github-Delivery": {fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)}, "X-Hub-Signature-256": {sign},
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusAccepted {
			err = fmt.Errorf("%s: %s", resp.Status, text)
		}
		return err
	}
	took := make([]time.Duration, int(benchRate*benchTime.Seconds()))
	errs := make([]error, len(took))
	var all sync.WaitGroup
	begin := time.Now().Add(100 * time.Millisecond)
	for i := range took {
		due := begin.Add(time.Duration(i) * time.Second / benchRate)
		<-time.After(time.Until(due))
		all.Go(func() {
			errs[i] = send(i)
			took[i] = time.Since(due)
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	return took
}

// serve answers on loopback as the service does.
func serve(b *testing.B, h http.Handler) (addr string, stop func()) {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	log := slog.New(slog.DiscardHandler)
	ended := make(chan error, 1)
	go func() {
		ended <- web.Serve(ctx, l, web.Handler(web.Options{Webhooks: map[string]http.Handler{benchPath: h}, Log: log}), log)
	}()
	return l.Addr().String(), func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

// newDatabase returns a migrated database on a server of its own, which does
// not trade safety for speed as those of tests do.
func newDatabase(b *testing.B) *postgres.DB {
	b.Helper()
	s, err := server.Start(b.Context(), server.Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	db, err := postgres.Open(b.Context(), s.URL(), 24)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	if _, err := queue.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	return db
}

func exec(b *testing.B, db *postgres.DB, sql string) {
	b.Helper()
	if _, err := db.Pool().Exec(b.Context(), sql); err != nil {
		b.Fatal(err)
	}
}

func count(b *testing.B, db *postgres.DB, table string) (n int) {
	b.Helper()
	if err := db.Pool().QueryRow(b.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// ms is a percentile of sorted times in milliseconds.
func ms(sorted []time.Duration, percent int) float64 {
	return float64(sorted[len(sorted)*percent/100].Microseconds()) / 1000
}

// commentPayload is an issue_comment in the size and shape of GitHub's: most
// of it are URLs that nobody reads.
func commentPayload(b *testing.B) []byte {
	b.Helper()
	const api = "https://api.github.com/"
	with := func(base string, fields map[string]any, paths ...string) map[string]any {
		for _, p := range paths {
			fields[p+"_url"] = base + "/" + p + "{/id}"
		}
		return fields
	}
	user := func(login string, id int) map[string]any {
		return with(api+"users/"+login, map[string]any{"login": login, "id": id, "type": "User", "site_admin": false},
			"avatar", "html", "followers", "following", "gists", "starred", "subscriptions", "organizations", "repos",
			"events", "received_events")
	}
	repo := with(api+"repos/acme/storefront", map[string]any{
		"id": 5, "name": "storefront", "full_name": "acme/storefront", "owner": user("acme", 9), "private": true,
		"default_branch": "main", "created_at": "2024-01-01T00:00:00Z", "size": 81234, "topics": []string{"go", "shop"},
	}, "forks", "keys", "collaborators", "teams", "hooks", "issue_events", "events", "assignees", "branches", "tags",
		"blobs", "git_tags", "git_refs", "trees", "statuses", "languages", "stargazers", "contributors", "subscribers",
		"subscription", "commits", "git_commits", "comments", "issue_comment", "contents", "compare", "merges", "archive",
		"downloads", "issues", "pulls", "milestones", "notifications", "labels", "releases", "deployments", "git", "ssh")
	repo["html_url"], repo["clone_url"] = "https://github.com/acme/storefront", "https://github.com/acme/storefront.git"
	raw, err := json.Marshal(map[string]any{
		"action": "created", "repository": repo, "sender": user("ada", 1), "organization": user("acme", 9),
		"installation": map[string]any{"id": 7, "node_id": "MDIzOkludGVncmF0aW9u"},
		"issue": with(api+"repos/acme/storefront/issues/12", map[string]any{
			"number": 12, "state": "open", "title": "The cart forgets its last item", "user": user("bob", 2),
			"html_url": "https://github.com/acme/storefront/issues/12", "labels": []string{},
			"body":       strings.Repeat("Add two items, go back, and look at the cart: one is gone.\n", 25),
			"created_at": "2026-08-01T10:00:00Z", "updated_at": "2026-08-01T10:00:00Z",
		}, "labels", "comments", "events", "timeline"),
		"comment": map[string]any{
			"id": 345, "node_id": "IC_kwDOAAAB", "user": user("ada", 1), "author_association": "MEMBER",
			"html_url":   "https://github.com/acme/storefront/issues/12#issuecomment-345",
			"body":       "/honk fix this issue: keep the cart's items when somebody goes back, and add a test.",
			"created_at": "2026-08-01T11:00:00Z", "updated_at": "2026-08-01T11:00:00Z",
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return raw
}
