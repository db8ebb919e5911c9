// Package console says in words what happens to a task, for the person at the
// terminal. Everything it prints is cleaned and scrubbed of secrets.
package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// Progress is the Recorder of the command line: it shows a person what
// happens, one line an event, and on a terminal what is going on right now.
type Progress struct {
	mu      sync.Mutex
	w       io.Writer
	live    bool // w is a terminal
	started time.Time
	secrets *secret.Scanner
	doing   string
	step    int
	cost    float64
	tokens  int
}

// NewProgress returns a Progress that writes to w; live says that w is a
// terminal.
func NewProgress(w io.Writer, live bool, secrets *secret.Scanner) *Progress {
	return &Progress{w: w, live: live, started: time.Now(), secrets: secrets}
}

// Record prints an event.
func (p *Progress) Record(_ context.Context, e task.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines(e) {
		p.print(line)
	}
	p.status()
	return nil
}

// Recall implements runner.Recorder: the command line makes one attempt.
func (p *Progress) Recall(context.Context, task.ID) ([]task.Event, error) { return nil, nil }

// Notice prints a line that is no event: the model client waits, say.
func (p *Progress) Notice(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(text)
	p.status()
}

// Tick redraws the line of the moment until ctx ends.
func (p *Progress) Tick(ctx context.Context) {
	if !p.live {
		return
	}
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			p.mu.Lock()
			p.status()
			p.mu.Unlock()
		}
	}
}

// Close wipes the line of the moment.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing = ""
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.live = false
}

func (p *Progress) print(line string) {
	line = p.secrets.Redact(secret.Clean(line, 400))
	line = strings.Join(strings.Fields(line), " ")
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, "%7s  %s\n", Clock(time.Since(p.started)), line)
}

// status draws what is going on: elapsed time, step, cost, activity.
func (p *Progress) status() {
	if !p.live || p.doing == "" {
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%7s  %s · %s", Clock(time.Since(p.started)), p.meter(), p.doing)
}

func (p *Progress) meter() string {
	spent := Money(p.cost)
	if p.cost == 0 {
		spent = fmt.Sprintf("%d tokens", p.tokens)
	}
	return fmt.Sprintf("step %d · %s", p.step, spent)
}

// lines says an event in words.
func (p *Progress) lines(e task.Event) []string {
	switch e.Kind {
	case task.EventPhase:
		d := decode[task.PhaseData](e)
		p.doing = d.Phase
		return []string{d.Phase + ": " + d.Detail}
	case task.EventReply:
		d := decode[task.ReplyData](e)
		p.step, p.cost = e.Step, d.CostUSD
		p.tokens += d.Usage.InputTokens + d.Usage.OutputTokens
		p.doing = "running tools"
		if d.Text == "" {
			return nil
		}
		return []string{fmt.Sprintf("[%s] %s", p.meter(), firstLine(d.Text))}
	case task.EventTool:
		d := decode[task.ToolData](e)
		p.doing = "thinking"
		return []string{fmt.Sprintf("[%s] %s (%s)", p.meter(), d.Title, Clock(d.Took))}
	case task.EventNotice, task.EventWarning:
		return []string{string(e.Kind) + ": " + firstLine(decode[task.NoticeData](e).Text)}
	case task.EventPatch:
		return patchLines(decode[task.Patch](e))
	case task.EventVerify:
		return gateLines(decode[verify.Gate](e))
	case task.EventChecks:
		return CheckLines(decode[[]judge.Finding](e))
	case task.EventVerdict:
		v := decode[judge.Verdict](e)
		return []string{fmt.Sprintf("judge: %s: %s", v.Decision, v.Summary)}
	case task.EventBase, task.EventChange, task.EventOutcome:
	}
	return nil
}
