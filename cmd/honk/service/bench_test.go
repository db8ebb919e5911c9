package service_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
	"honk/internal/llm/llmtest"
)

const (
	benchRepo = "acme/greet"
	// benchTasks are measured; one before them fills the mirror.
	benchTasks = 10
	// idleTime is how long honk serve has nothing to do before it is measured.
	idleTime = 30 * time.Second
)

// BenchmarkFirstCall measures from a person's comment to the moment at which
// the model is first asked: webhook, delivery, permission, task, ticket,
// checkout from a warm mirror, sandbox. The service has its private database,
// which syncs every commit to the disk.
func BenchmarkFirstCall(b *testing.B) {
	steps, err := llmtest.Parse([]byte(spell(smokeModel)))
	if err != nil {
		b.Fatal(err)
	}
	s := benchStage(b, slices.Repeat(steps, 1+benchTasks)...)
	asked := make(chan time.Time, len(steps)*(1+benchTasks))
	next := s.gate.next
	s.gate.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- time.Now()
		next.ServeHTTP(w, r)
	})
	s.serve()
	for b.Loop() {
		var took []time.Duration
		for i := range 1 + benchTasks {
			n, err := s.forge.OpenIssue("ada", benchRepo, "Greet the world", "It says hello to nobody.")
			s.must(err)
			start := time.Now()
			_, err = s.forge.Comment(githubtest.At{Login: "ada", Repo: benchRepo, Number: n}, "/honk fix this issue: greet the world")
			s.must(err)
			took = append(took, (<-asked).Sub(start))
			s.await("a pull request and an end", func() bool { return s.delivered(i + 1) })
			for len(asked) > 0 {
				<-asked
			}
		}
		b.ReportMetric(ms(took[0]), "cold-ms")
		took = took[1:]
		slices.Sort(took)
		b.ReportMetric(ms(took[len(took)/2]), "median-ms")
		b.ReportMetric(ms(took[len(took)-1]), "slowest-ms")
	}
}

// delivered reports whether n tasks have their pull request, and their issue's
// message its last word.
func (s *stage) delivered(n int) bool {
	pulls, err := s.forge.Pulls(benchRepo)
	s.must(err)
	if len(pulls) < n {
		return false
	}
	return strings.Count(s.started[0].out.String(), "task ended") == n
}

// BenchmarkIdle measures what honk serve takes when it has nothing to do, its
// private database apart.
func BenchmarkIdle(b *testing.B) {
	s := benchStage(b)
	p := s.serve()
	for b.Loop() {
		<-time.After(idleTime)
		b.ReportMetric(memory(b, p.cmd.Process.Pid, "VmRSS"), "MB")
		// Without the program itself, which processes share.
		b.ReportMetric(memory(b, p.cmd.Process.Pid, "RssAnon"), "own-MB")
	}
}

func benchStage(b *testing.B, steps ...llmtest.Step) *stage {
	b.Helper()
	s := setStage(b, githubtest.Options{}, steps...)
	delete(s.env, "HONK_DATABASE_URL")
	_, err := s.forge.CreateRepo(b.Context(), githubtest.NewRepo{Name: benchRepo, Files: map[string]string{
		"greet.sh":   "#!/bin/sh\necho hello\n",
		".honk.yaml": "verify: [{name: greet, run: 'sh greet.sh'}]\n",
	}})
	s.must(err)
	s.forge.AddUser("ada")
	s.must(s.forge.SetPermission(benchRepo, "ada", "write"))
	_, err = s.forge.Install("acme")
	s.must(err)
	return s
}

// memory is a field of /proc/PID/status in megabytes.
func memory(b testing.TB, pid int, field string) float64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	found := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(raw)
	if found == nil {
		b.Fatalf("no %s in the process's status", field)
	}
	kb, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
