package slack_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"honk/integrations/slack"
	"honk/integrations/slack/slacktest"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/postgres/server"
	"honk/queue"
)

const (
	benchRate = 100 // mentions a second
	benchTime = 10 * time.Second
)

// BenchmarkAcknowledge sends signed mentions at a constant rate and measures
// each answer from the moment at which the mention was due; "slow" is the same
// while another transaction keeps the table of deliveries locked for half of
// every second, as a struggling database would. Slack waits three seconds.
func BenchmarkAcknowledge(b *testing.B) {
	s, err := server.Start(b.Context(), server.Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	db, err := postgres.Open(b.Context(), s.URL(), 24)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := queue.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	q, err := queue.New(db, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(slack.New(slack.Options{
		Queue: q, SigningSecrets: []config.Secret{signingSecret}, Log: slog.New(slog.DiscardHandler),
	}))
	defer web.Close()
	next := 0
	for b.Loop() {
		for _, kind := range []string{"", "slow-"} {
			end := func() {}
			if kind != "" {
				end = struggle(b, db)
			}
			got := acknowledge(b, web.URL, &next)
			end()
			for _, p := range []int{50, 99} {
				b.ReportMetric(float64(got[len(got)*p/100].Microseconds())/1000, fmt.Sprintf("%sp%d-ms", kind, p))
			}
			b.ReportMetric(float64(got[len(got)-1].Microseconds())/1000, kind+"max-ms")
		}
	}
}

// struggle locks the table of deliveries for half of every second.
func struggle(b *testing.B, db *postgres.DB) (end func()) {
	b.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			tx, err := db.Pool().Begin(b.Context())
			if err == nil {
				_, err = tx.Exec(b.Context(), "LOCK TABLE deliveries IN EXCLUSIVE MODE")
				<-time.After(500 * time.Millisecond)
				_ = tx.Rollback(b.Context())
			}
			if err != nil {
				b.Error(err)
			}
			select {
			case <-done:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }
}

// acknowledge returns how long each answer took, shortest first. Any but 200
// is a failure.
func acknowledge(b *testing.B, url string, next *int) []time.Duration {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchRate}}
	defer client.CloseIdleConnections()
	took := make([]time.Duration, int(benchRate*benchTime.Seconds()))
	errs := make([]error, len(took))
	var all sync.WaitGroup
	begin := time.Now().Add(100 * time.Millisecond)
	for i := range took {
		*next++
		body := mention(fmt.Sprintf("1700000000.%06d", *next))
		due := begin.Add(time.Duration(i) * time.Second / benchRate)
		<-time.After(time.Until(due))
		all.Go(func() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/webhooks/slack/events", bytes.NewReader(body))
			if err != nil {
				errs[i] = err
				return
			}
			req.Header = slacktest.Sign(signingSecret, time.Now(), body)
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err == nil {
				err = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					err = fmt.Errorf("answered %s", resp.Status)
				}
			}
			errs[i], took[i] = err, time.Since(due)
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
