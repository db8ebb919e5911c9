package people_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/postgres"
	"honk/internal/postgres/people"
	"honk/internal/postgres/pgtest"
	"honk/internal/task"
)

func newStore(t *testing.T) (people.Store, *postgres.DB) {
	t.Helper()
	db, err := postgres.Open(t.Context(), pgtest.New(t, migrate, "people"), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return people.New(db), db
}

func migrate(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, 2)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Migrate(ctx)
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLink_goodForOnce(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	link := people.Link{
		Nonce: "n1", Source: task.SourceSlack, Team: "T1", Account: "U1", Name: "ada in acme",
		ExpiresAt: time.Now().Add(time.Minute).Truncate(time.Second),
	}
	must(t, s.AddLink(ctx, link))
	got, err := s.Link(ctx, "n1")
	must(t, err)
	got.ExpiresAt = got.ExpiresAt.Local()
	if diff := cmp.Diff(link, got); diff != "" {
		t.Errorf("another link (-want +got):\n%s", diff)
	}
	who := people.Identity{Source: task.SourceSlack, Team: "T1", Account: "U1", Login: "ada", ForgeID: 7}
	other := who
	other.Account = "U2"
	if err := s.UseLink(ctx, "n1", other); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("somebody else used it: %v", err)
	}
	must(t, s.UseLink(ctx, "n1", who))
	if err := s.UseLink(ctx, "n1", who); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("it was used twice: %v", err)
	}
	if _, err := s.Link(ctx, "n1"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("it is there after use: %v", err)
	}
	id, err := s.Identity(ctx, task.SourceSlack, "T1", "U1")
	must(t, err)
	if diff := cmp.Diff(who, id); diff != "" {
		t.Errorf("another identity (-want +got):\n%s", diff)
	}
	must(t, s.Unlink(ctx, task.SourceSlack, "T1", "U1"))
	if _, err := s.Identity(ctx, task.SourceSlack, "T1", "U1"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("it is not forgotten: %v", err)
	}
}

func TestLink_oldAndReplaced(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	l := people.Link{Nonce: "old", Source: task.SourceSlack, Team: "T1", Account: "U1", Name: "ada", ExpiresAt: time.Now().Add(-time.Second)}
	must(t, s.AddLink(ctx, l))
	if _, err := s.Link(ctx, "old"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("an old link is good: %v", err)
	}
	for _, nonce := range []string{"first", "second"} {
		l.Nonce, l.ExpiresAt = nonce, time.Now().Add(time.Minute)
		must(t, s.AddLink(ctx, l))
	}
	if _, err := s.Link(ctx, "first"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("a replaced link is good: %v", err)
	}
	if _, err := s.Link(ctx, "second"); err != nil {
		t.Errorf("the new link: %v", err)
	}
}

func TestQuestion_oneAnswer(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	q := people.Question{
		Source: task.SourceSlack, Key: "T1/C1/1.1", Thread: "T1/C1/1.0",
		Request: task.Request{Source: task.SourceSlack, Prompt: "fix it", Origin: task.Origin{Asker: "U1"}},
	}
	for i, want := range []bool{true, false} {
		if fresh, err := s.AddQuestion(ctx, q); err != nil || fresh != want {
			t.Fatalf("asking for the %d. time: %t, %v", i+1, fresh, err)
		}
	}
	waiting, found, err := s.Waiting(ctx, task.SourceSlack, q.Thread)
	must(t, err)
	if !found || waiting.Key != q.Key || waiting.Request.Prompt != "fix it" || waiting.Request.Origin.Asker != "U1" {
		t.Errorf("what waits is %+v", waiting)
	}
	for _, tt := range []struct {
		answer string
		want   bool
	}{{"acme/api", true}, {"acme/web", false}, {"", false}, {"acme/api", true}} {
		if ok, err := s.Answer(ctx, task.SourceSlack, q.Key, tt.answer); err != nil || ok != tt.want {
			t.Errorf("answering %q: %t, %v", tt.answer, ok, err)
		}
	}
	got, err := s.Question(ctx, task.SourceSlack, q.Key)
	must(t, err)
	if !got.Answered || got.Answer != "acme/api" {
		t.Errorf("the answer is %q, %t", got.Answer, got.Answered)
	}
	if _, found, err := s.Waiting(ctx, task.SourceSlack, q.Thread); found || err != nil {
		t.Errorf("it still waits: %v", err)
	}
	for within, want := range map[time.Duration]int{time.Hour: 1, 0: 0} {
		if threads, err := s.Threads(ctx, task.SourceSlack, within, 5); err != nil || len(threads) != want {
			t.Errorf("threads within %s: %q, %v", within, threads, err)
		}
	}
}

func TestChannel(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ctx := t.Context()
	if _, found, err := s.Channel(ctx, task.SourceSlack, "T1", "C1"); found || err != nil {
		t.Fatalf("a repository before any was set: %v", err)
	}
	set := people.ChannelSetting{Source: task.SourceSlack, Team: "T1", Channel: "C1", By: "ada"}
	for _, name := range []string{"api", "web"} {
		set.Repo = task.Repo{Host: "github.com", Owner: "acme", Name: name, URL: "https://github.com/acme/" + name + ".git"}
		must(t, s.SetChannel(ctx, set))
		if got, found, err := s.Channel(ctx, task.SourceSlack, "T1", "C1"); err != nil || !found || got != set.Repo {
			t.Errorf("it is %v, %v", got, err)
		}
	}
	if _, found, _ := s.Channel(ctx, task.SourceSlack, "T2", "C1"); found {
		t.Error("another workspace has it too")
	}
	set.Repo = task.Repo{}
	must(t, s.SetChannel(ctx, set))
	if _, found, _ := s.Channel(ctx, task.SourceSlack, "T1", "C1"); found {
		t.Error("it was not taken away")
	}
}

func TestRate_lastWordCounts(t *testing.T) {
	t.Parallel()
	s, db := newStore(t)
	ctx := t.Context()
	tk := task.Task{ID: task.NewID(time.Now()), CreatedAt: time.Now(), Request: task.Request{
		Source: task.SourceSlack, DeliveryID: "1", Repo: task.Repo{Host: "github.com", Owner: "acme", Name: "api"},
	}}
	if _, _, err := db.AddTask(ctx, tk); err != nil {
		t.Fatal(err)
	}
	rated := func() (n, good int) {
		err := db.Pool().QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE good) FROM ratings").Scan(&n, &good)
		must(t, err)
		return n, good
	}
	must(t, s.Rate(ctx, tk.ID, "U1", true))
	must(t, s.Rate(ctx, tk.ID, "U1", false))
	if n, good := rated(); n != 1 || good != 0 {
		t.Errorf("%d ratings, %d good", n, good)
	}
	must(t, s.Unrate(ctx, tk.ID, "U1", true)) // no longer what they think
	if n, _ := rated(); n != 1 {
		t.Error("the last word was taken back by the first")
	}
	must(t, s.Unrate(ctx, tk.ID, "U1", false))
	if n, _ := rated(); n != 0 {
		t.Error("it was not taken back")
	}
}

func TestImages_onlyWhereNeeded(t *testing.T) {
	t.Parallel()
	_, db := newStore(t)
	ctx := t.Context()
	img := task.Image{Name: "shot.png", MediaType: "image/png", Data: []byte("\x89PNG\r\n\x1a\n")}
	for i, images := range [][]task.Image{{img}, nil} {
		tk := task.Task{ID: task.NewID(time.Now()), CreatedAt: time.Now(), Request: task.Request{
			Source: task.SourceSlack, DeliveryID: fmt.Sprint(i), Repo: task.Repo{Host: "github.com", Owner: "acme", Name: "api"},
			Images: images, Origin: task.Origin{Thread: "T1/C1/1.0"},
		}}
		if _, _, err := db.AddTask(ctx, tk); err != nil {
			t.Fatal(err)
		}
		rec, err := db.Task(ctx, tk.ID)
		must(t, err)
		if diff := cmp.Diff(images, rec.Request.Images); diff != "" {
			t.Errorf("other images (-want +got):\n%s", diff)
		}
	}
	list, err := db.Conversation(ctx, task.SourceSlack, "T1/C1/1.0", 5)
	must(t, err)
	if len(list) != 2 || list[0].Request.Images != nil || list[1].Request.Images != nil {
		t.Errorf("a list holds images: %+v", list)
	}
}

func TestForget_questionsLinksImages(t *testing.T) {
	t.Parallel()
	s, db := newStore(t)
	ctx := t.Context()
	must(t, s.AddLink(ctx, people.Link{Nonce: "old", Source: task.SourceSlack, Team: "T1", Account: "U1", ExpiresAt: time.Now()}))
	must(t, s.AddLink(ctx, people.Link{Nonce: "new", Source: task.SourceSlack, Team: "T1", Account: "U2", ExpiresAt: time.Now()}))
	for _, key := range []string{"old", "new", "waiting"} {
		if _, err := s.AddQuestion(ctx, people.Question{Source: task.SourceSlack, Key: key, Thread: "T1/C1/1.0"}); err != nil {
			t.Fatal(err)
		}
		tk := task.Task{ID: task.NewID(time.Now()), CreatedAt: time.Now(), Request: task.Request{
			Source: task.SourceSlack, DeliveryID: key, Repo: task.Repo{Host: "github.com", Owner: "acme", Name: "api"},
			Images: []task.Image{{Name: key, Data: []byte("x")}},
		}}
		if _, _, err := db.AddTask(ctx, tk); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{
		"UPDATE links SET expires_at = now() - interval '8 days' WHERE nonce = 'old'",
		"UPDATE questions SET answered_at = now() - CASE key WHEN 'old' THEN interval '8 days' ELSE '1 hour' END WHERE key <> 'waiting'",
		"UPDATE tasks SET status = 'delivered', finished_at = now() - CASE delivery_id WHEN 'old' THEN interval '8 days' ELSE '1 hour' END WHERE delivery_id <> 'waiting'",
	} {
		if _, err := db.Pool().Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	week := 7 * 24 * time.Hour
	removed, err := db.Forget(ctx, postgres.Retention{Deliveries: week, Events: week, Patches: week})
	must(t, err)
	var left string
	must(t, db.Pool().QueryRow(ctx, `SELECT concat_ws(' ', (SELECT string_agg(nonce, ',') FROM links),
		(SELECT string_agg(key, ',' ORDER BY key) FROM questions),
		(SELECT string_agg(delivery_id, ',' ORDER BY delivery_id) FROM tasks WHERE images IS NOT NULL))`).Scan(&left))
	if want := "new new,waiting new,waiting"; removed != 3 || left != want {
		t.Errorf("%d removed, left are %q, want %q", removed, left, want)
	}
}
