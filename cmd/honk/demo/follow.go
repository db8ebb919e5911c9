package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"honk/internal/postgres"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// follow shows what happens to a task until it has ended and the person at
// the forge has been told.
func (s *stage) follow(ctx context.Context, id task.ID) (rec postgres.Record, err error) {
	seen := 0
	err = s.await(ctx, func() (bool, error) {
		// Before the events: what happens in between shows next time.
		if rec, err = s.db.Task(ctx, id); err != nil {
			return false, err
		}
		events, err := s.db.Events(ctx, id, seen)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			seen = e.Seq
			if who, what := line(e); what != "" {
				s.say(who, "%s", what)
			}
		}
		if !rec.Status.Final() {
			return false, nil
		}
		_, err = s.db.OpenNotice(ctx, id)
		if errors.Is(err, postgres.ErrNotFound) {
			return true, nil
		}
		return false, err
	})
	return rec, err
}

// line says an event in words; what is empty for what people need not see.
func line(e task.Event) (who, what string) {
	switch e.Kind {
	case task.EventPhase:
		return phase(decode[task.PhaseData](e))
	case task.EventReply:
		text, _, _ := strings.Cut(strings.TrimSpace(decode[task.ReplyData](e).Text), "\n")
		return "model", text
	case task.EventTool:
		return tool(decode[task.ToolData](e))
	case task.EventWarning:
		return "warning", decode[task.NoticeData](e).Text
	case task.EventPatch:
		return "patch", changed(decode[task.Patch](e))
	case task.EventVerify:
		return "verify", gate(decode[verify.Gate](e))
	case task.EventChecks:
		return "checks", found(decode[[]judge.Finding](e))
	case task.EventVerdict:
		v := decode[judge.Verdict](e)
		return "judge", fmt.Sprintf("%s: %s", v.Decision, v.Summary)
	case task.EventBase, task.EventNotice, task.EventChange, task.EventOutcome:
	}
	return "", ""
}

// phase says where a task has come to. Verifying and judging speak for
// themselves, by what comes of them, and so does a checkout.
func phase(d task.PhaseData) (who, what string) {
	switch d.Phase {
	case "checkout":
		if !strings.Contains(d.Detail, " at ") {
			return "", ""
		}
		return d.Phase, d.Detail
	case "publish":
		return d.Phase, d.Detail
	case "sandbox", "change":
		return "change", "sandbox " + d.Detail + "; its first build takes longest"
	}
	return "", ""
}

// tool says what the model's tools did; those that lead to a line of their
// own say nothing here.
func tool(d task.ToolData) (who, what string) {
	if d.Tool == "verify" || d.Tool == "finish" {
		return "", ""
	}
	return "", "· " + d.Title
}

// decode reads an event's data, which this program has written.
func decode[T any](e task.Event) (data T) {
	_ = json.Unmarshal(e.Data, &data)
	return data
}

func changed(p task.Patch) string {
	added, removed := 0, 0
	for _, f := range p.Files {
		added, removed = added+f.Added, removed+f.Removed
	}
	return fmt.Sprintf("%d files, +%d -%d, on its way out of the sandbox", len(p.Files), added, removed)
}

func gate(g verify.Gate) string {
	var parts []string
	for _, r := range g.Report.Results {
		part := fmt.Sprintf("%s %s", r.Name, r.Status)
		if r.TestsRun > 0 {
			part += fmt.Sprintf(" (%d tests)", r.TestsRun)
		}
		parts = append(parts, part)
	}
	return strings.Join(append(parts, g.Reasons...), ", ")
}

func found(findings []judge.Finding) string {
	if len(findings) == 0 {
		return "nothing found"
	}
	parts := make([]string, len(findings))
	for i, f := range findings {
		parts[i] = fmt.Sprintf("%s: %s: %s", f.Check, f.Severity, f.Message)
	}
	return strings.Join(parts, "; ")
}
