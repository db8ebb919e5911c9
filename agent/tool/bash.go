package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"honk/sandbox"
)

// bashBytes caps what one command shows.
const bashBytes = 10_000

func (s *Set) bash(ctx context.Context, raw json.RawMessage) (Result, error) {
	in := struct {
		Command string `json:"command"`
		Timeout int    `json:"timeout_s"`
	}{Timeout: 120}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Result{}, err
	}
	title := "bash " + oneLine(in.Command, 100)
	switch {
	case strings.TrimSpace(in.Command) == "":
		return failure(title, "The command is empty. Nothing ran."), nil
	case strings.ContainsRune(in.Command, 0):
		return failure(title, "The command holds a NUL byte. Nothing ran."), nil
	case len(in.Command) > 100_000:
		return failure(title, "The command is longer than 100,000 bytes. Nothing ran. Put the content into a file with `write`."), nil
	}
	if why := interactive(in.Command); why != "" {
		return failure(title, "%s Nothing ran.", why), nil
	}
	syntax, err := s.cfg.Sandbox.Exec(ctx, sandbox.Command{
		Args: []string{"bash", "-n", "-c", in.Command}, Timeout: 10 * time.Second, MaxOutput: 2000, Merge: true,
	})
	if err != nil {
		return Result{}, err
	}
	if syntax.ExitCode != 0 && !syntax.TimedOut && syntax.Limit == "" {
		return failure(title, "bash found a syntax error. Nothing ran. Mend the command and call again.\n%s", strings.TrimSpace(Clean(syntax.Stdout.Bytes()))), nil
	}
	res, err := s.cfg.Sandbox.Exec(ctx, sandbox.Command{
		Args:    []string{"bash", "-c", in.Command},
		Timeout: time.Duration(in.Timeout) * time.Second, MaxOutput: bashBytes, Merge: true, Keep: true,
	})
	if err != nil {
		return Result{}, err
	}
	return bashResult(title, in.Timeout, res), nil
}

// bashResult words what a command did. No duration is shown, so that equal
// outcomes are equal texts.
func bashResult(title string, timeout int, res sandbox.ExecResult) Result {
	out := strings.TrimRight(shown(res.Stdout), "\n")
	r := Result{
		Title:    fmt.Sprintf("%s  exit %d", title, res.ExitCode),
		IsError:  res.ExitCode != 0,
		TimedOut: res.TimedOut,
	}
	end := fmt.Sprintf("exit code %d", res.ExitCode)
	switch {
	case res.TimedOut:
		r.IsError = true
		r.Title = title + "  timed out"
		end = fmt.Sprintf("The command was stopped after %d seconds, with everything it had started; what it wrote to files stays. Use flags that make it non-interactive, run fewer tests at once, or set `timeout_s` (at most 600).", timeout)
	case res.Limit != "":
		r.IsError = true
		r.Title = title + "  killed: " + res.Limit + " limit"
		end = fmt.Sprintf("The command was killed by the sandbox's %s limit; what it wrote to files stays. Remove what is not needed, and make it use less.", res.Limit)
	case out == "" && res.ExitCode == 0:
		end = "Success: no output, exit code 0."
	case out == "":
		end = fmt.Sprintf("No output, exit code %d.", res.ExitCode)
	case res.ExitCode == 127:
		end += "; a command was not found, and nothing can be installed from the network unless the sandbox allows it"
	}
	r.Text = strings.TrimLeft(out+"\n"+end, "\n")
	return r
}

// shown is a stream with a mark where its middle is missing.
func shown(o sandbox.Output) string {
	if !o.Truncated() {
		return Cut(Clean(o.Bytes()), bashBytes)
	}
	mark := fmt.Sprintf("[%d lines, %d bytes omitted", o.OmittedLines, o.OmittedBytes)
	if o.File != "" {
		mark += "; the full output is in " + o.File
	}
	return strings.TrimRight(Clean(o.Head), "\n") + "\n" + mark + "]\n" + Clean(o.Tail)
}

// oneLine is the beginning of a text for a title.
func oneLine(s string, most int) string {
	return clip(strings.Join(strings.Fields(printable(strings.ReplaceAll(s, "\n", " "))), " "), most)
}
