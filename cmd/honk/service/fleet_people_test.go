package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"honk/integrations/github/githubtest"
)

// fleetCI stands between the forge and Honk: it passes the webhooks on, and
// checks whatever is pushed.
type fleetCI struct {
	f      *fleetRun
	next   string
	client *http.Client
	// pushed are the commits to check.
	pushed chan fleetPush
}

// fleetPush is a webhook of the event push.
type fleetPush struct {
	Ref        string `json:"ref"`
	After      string `json:"after"`
	Deleted    bool   `json:"deleted"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
}

// newFleetCI stands between from now on.
func (f *fleetRun) newFleetCI() *fleetCI {
	c := &fleetCI{
		f: f, next: "http://" + f.addr + "/webhooks/github", client: &http.Client{Timeout: 10 * time.Second}, pushed: make(chan fleetPush, 10_000),
	}
	web := httptest.NewServer(c)
	f.Cleanup(web.Close)
	f.forge.SetWebhookURL(web.URL)
	return c
}

// ServeHTTP implements http.Handler.
func (c *fleetCI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var p fleetPush
	if r.Header.Get("X-GitHub-Event") == "push" && json.Unmarshal(body, &p) == nil && !p.Deleted && strings.HasPrefix(p.Ref, "refs/heads/honk/") {
		c.pushed <- p
		if c.f.onPush != nil {
			c.f.onPush(p)
		}
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, c.next, bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	req.Header = r.Header.Clone()
	resp, err := c.client.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway) // Honk is dead just now
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the forge has gone
}

// run checks until the end.
func (c *fleetCI) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-c.pushed:
			if err := c.check(ctx, p); err != nil {
				return fmt.Errorf("checking %s: %w", p.Repository.FullName, err)
			}
		}
	}
}

func (c *fleetCI) check(ctx context.Context, p fleetPush) error {
	check := githubtest.Check{SHA: p.After, Name: "ci", Conclusion: "success"}
	if c.f.byRepo[p.Repository.FullName].name == "red" {
		check.Conclusion, check.Output.Summary = "failure", "boom at line 7"
	}
	if _, err := c.f.forge.SetCheck(ctx, p.Repository.FullName, check); err != nil {
		return err
	}
	return c.f.forge.CompleteSuite(ctx, p.Repository.FullName, p.After)
}

// fleetPeople is what people do to the targets of some fates, each once.
type fleetPeople struct {
	f *fleetRun

	mu   sync.Mutex
	done map[string]bool
	// most is how many pull requests were open at once.
	most int
}

// run lets people act until the end.
func (p *fleetPeople) run(ctx context.Context) error {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := p.act(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (p *fleetPeople) act(ctx context.Context) error {
	open := 0
	slow := processes("sleep 3.")
	for _, t := range p.f.targets {
		pulls, err := p.f.forge.Pulls(t.repo)
		if err != nil {
			return err
		}
		for _, pull := range pulls {
			if pull.State == "open" {
				open++
			}
		}
		if p.did(t.repo) || t.runs == 0 {
			continue
		}
		acted, err := p.to(ctx, t, pulls, strings.Contains(slow, fmt.Sprintf("sleep 3.%04d\n", t.number)))
		if err != nil {
			return fmt.Errorf("acting on %s (%s): %w", t.repo, t.name, err)
		}
		if acted {
			p.mu.Lock()
			p.done[t.repo] = true
			p.mu.Unlock()
		}
	}
	p.f.forge.ForgetRequests() // a large fleet has many
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = max(p.most, open)
	return nil
}

// open is how many pull requests were open at once, at most.
func (p *fleetPeople) open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}

func (p *fleetPeople) did(repo string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[repo]
}

// to does what the fate of a target is, if it is time. running says that its
// slow script runs.
func (p *fleetPeople) to(ctx context.Context, t fleetTarget, pulls []githubtest.Pull, running bool) (acted bool, err error) {
	switch t.name {
	case "moved":
		if !running {
			return false, nil
		}
		_, err = p.f.forge.Commit(ctx, githubtest.Change{
			Repo: t.repo, Branch: "main", Login: "ada", Files: map[string]string{"other": "x\n"}, Remove: []string{"slow"},
		})
		return true, err
	case "archived":
		if !running {
			return false, nil
		}
		return true, p.f.forge.Archive(t.repo, true)
	}
	if len(pulls) == 0 || pulls[0].State != "open" || pulls[0].Draft {
		return false, nil
	}
	at := githubtest.At{Login: "ada", Repo: t.repo, Number: pulls[0].Number}
	switch t.name {
	case "people":
		return true, p.f.forge.MergePull(ctx, at, "squash")
	case "closed":
		return true, p.f.forge.CloseIssue(ctx, at)
	case "adopted":
		_, err = p.f.forge.Commit(ctx, githubtest.Change{
			Repo: t.repo, Branch: pulls[0].Head, Login: "ada", Files: map[string]string{"mine": "x\n"},
		})
		return true, err
	}
	return false, nil
}

// processes are the command lines of this machine that begin with a text, one
// a line.
func processes(prefix string) string {
	all, err := seeProcesses(nil, "")
	if err != nil {
		return ""
	}
	var out strings.Builder
	for _, line := range all {
		if strings.HasPrefix(line, prefix) {
			out.WriteString(strings.TrimSpace(line) + "\n")
		}
	}
	return out.String()
}

// goes runs something beside the test until the end, which it must not end
// before.
func (f *fleetRun) goes(do func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.Context()))
	ended := make(chan error, 1)
	go func() { ended <- do(ctx) }()
	f.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			f.Error(err)
		}
	})
}
