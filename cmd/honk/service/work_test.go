package service_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"honk/integrations/github/githubtest"
	"honk/internal/postgres"
)

// works are the commands that run Honk and disturb what is around it.
var works = map[string]command{
	"serve":   {"", 0, 0, false, workServe},
	"work":    {"", 0, 0, false, workWork},
	"finish":  {"serve|work", 1, 1, false, workFinish},
	"murder":  {"serve|work", 1, 1, false, workMurder},
	"hold":    {"REGEXP", 1, 1, false, workHold},
	"release": {"", 0, 0, false, workRelease},
	"lose":    {"COUNT", 1, 1, false, workLose},
	"payload": {"EVENT FILE", 2, 2, false, workPayload},
	"deliver": {"STATUS EVENT FILE [COUNT] [HEADER=VALUE ...]", 3, 20, false, workDeliver},
}

// extra are variables that a script may set beside those of the stage.
var extra = []string{"HONK_GITHUB_WEBHOOK_SECRET_PREVIOUS", "HONK_PUBLIC_URL", "HONK_JUDGE_MODEL"}

// run starts honk with the script's environment.
func (s *scene) run(name string) error {
	if s.processes[name] != nil {
		return fmt.Errorf("honk %s runs already", name)
	}
	for key := range s.env {
		s.env[key] = s.Getenv(key)
	}
	for _, key := range extra {
		if value := s.Getenv(key); value != "" {
			s.env[key] = value
		}
	}
	s.processes[name] = s.start(name)
	return nil
}

// workServe starts honk serve and waits until it takes webhooks in.
func workServe(s *scene, _ []string) error {
	if err := s.run("serve"); err != nil {
		return err
	}
	return s.until("honk serve is ready", func() (bool, error) {
		if err := s.processes["serve"].lives(); err != nil {
			return false, err
		}
		req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://"+s.addr+"/readyz", nil)
		if err != nil {
			return false, err
		}
		resp, err := new(http.Client).Do(req)
		if err != nil {
			return false, nil // it does not listen yet
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

// workWork starts honk work and waits until it works.
func workWork(s *scene, _ []string) error {
	if err := s.run("work"); err != nil {
		return err
	}
	return s.until("honk work is ready", func() (bool, error) {
		p := s.processes["work"]
		return strings.Contains(p.out.String(), "msg=working"), p.lives()
	})
}

// workFinish tells a process to stop, which it must do well.
func workFinish(s *scene, args []string) error {
	p := s.processes[args[0]]
	if p == nil {
		return fmt.Errorf("honk %s does not run", args[0])
	}
	delete(s.processes, args[0])
	if err := p.stop(syscall.SIGTERM); err != nil {
		return fmt.Errorf("honk %s: %w\n%s", args[0], err, p.out)
	}
	return nil
}

// workMurder ends a process without a word.
func workMurder(s *scene, args []string) error {
	p := s.processes[args[0]]
	if p == nil {
		return fmt.Errorf("honk %s does not run", args[0])
	}
	delete(s.processes, args[0])
	_ = p.stop(syscall.SIGKILL) // it cannot end well
	return nil
}

// workHold keeps the model from answering requests that match.
func workHold(s *scene, args []string) error {
	re, err := regexp.Compile("(?sm)" + args[0])
	if err == nil {
		s.gate.hold(re)
	}
	return err
}

func workRelease(s *scene, _ []string) error {
	s.gate.release()
	return nil
}

// workLose has the forge lose its next webhooks.
func workLose(s *scene, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err == nil {
		s.forge.DropDeliveries(n)
	}
	return err
}

// workPayload writes the latest webhook of an event to a file.
func workPayload(s *scene, args []string) error {
	if err := s.forge.WaitDeliveries(s.Context()); err != nil {
		return err
	}
	var payload []byte
	for _, d := range s.forge.Deliveries() {
		if d.Event == args[0] {
			payload = d.Payload
			s.Setenv("GUID", d.GUID)
		}
	}
	if payload == nil {
		return fmt.Errorf("there was no webhook %s", args[0])
	}
	return os.WriteFile(s.MkAbs(args[1]), payload, 0o600)
}

// workDeliver sends a webhook that somebody made up, COUNT times at once. An
// empty value takes a header away; signed-with=SECRET signs it so.
func workDeliver(s *scene, args []string) error {
	status, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	f := githubtest.Forgery{Event: args[1], Payload: []byte(s.ReadFile(args[2])), Headers: map[string]string{}}
	count := 1
	for _, arg := range args[3:] {
		key, value, ok := strings.Cut(arg, "=")
		switch {
		case !ok:
			if count, err = strconv.Atoi(arg); err != nil {
				return err
			}
		case key == "signed-with":
			f.Headers["X-Hub-Signature-256"] = githubtest.Sign(value, f.Payload)
		case key == "X-GitHub-Delivery":
			f.GUID = value
		default:
			f.Headers[key] = value
		}
	}
	got, errs := make([]int, count), make([]error, count)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() { got[i], errs[i] = s.forge.Deliver(s.Context(), f) })
	}
	all.Wait()
	for i := range count {
		if errs[i] != nil || got[i] != status {
			return fmt.Errorf("the answer is %d, not %d (%w)", got[i], status, errs[i])
		}
	}
	return nil
}

// database is the one that Honk works on now: the stage's, or the private one
// of a running honk serve.
func (s *scene) database() (*postgres.DB, error) {
	url := s.Getenv("HONK_DATABASE_URL")
	if url != "" {
		return s.db, nil
	}
	raw, err := os.ReadFile(s.Getenv("HONK_DATA_DIR") + "/database.url")
	if err != nil {
		return nil, err
	}
	url = strings.TrimSpace(string(raw))
	if s.databases[url] == nil {
		db, err := postgres.Open(s.Context(), url, 2)
		if err != nil {
			return nil, err
		}
		s.Cleanup(db.Close)
		s.databases[url] = db
	}
	return s.databases[url], nil
}
