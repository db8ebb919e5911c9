// Package shifts is what an operator does with fleet shifts from the command
// line, and sees of them.
package shifts

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"honk/fleet/plan"
	"honk/integrations/shift"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/order"
	"honk/internal/secret"
	"honk/internal/task"
)

// maxBeside caps a manifest and a file that it may name, and maxFiles how many
// there are.
const (
	maxBeside = 1 << 20
	maxFiles  = 200
)

// Shifts are the service's.
type Shifts struct {
	Door *shift.Door
	In   io.Reader
	Out  io.Writer
	// Err is where is said what is no result.
	Err io.Writer
	// User is who acts.
	User string
	// JSON prints exactly one JSON object.
	JSON bool
}

// load reads a manifest with the plain files beside it. No link is followed
// out of its directory.
func load(name string) (f keep.File, err error) {
	dir, base := filepath.Split(name)
	root, err := os.OpenRoot(filepath.Clean("./" + dir))
	if filepath.IsAbs(name) {
		root, err = os.OpenRoot(dir)
	}
	if err != nil {
		return f, task.Errorf(task.CodeInvalid, "%w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f = keep.File{Name: name, Files: map[string][]byte{}}
	if info, err := root.Stat(base); err == nil && info.Size() > maxBeside {
		return f, task.Errorf(task.CodeInvalid, "%s:1: has %d bytes; at most %d are read; split it", name, info.Size(), maxBeside)
	}
	if f.Data, err = root.ReadFile(base); err != nil {
		return f, task.Errorf(task.CodeInvalid, "%w", err)
	}
	return f, beside(root, base, f.Files)
}

// beside reads what a manifest may name. What is large or no plain file is
// left out: naming it says so.
func beside(root *os.Root, manifest string, into map[string][]byte) error {
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != "." && (strings.HasPrefix(d.Name(), ".") || strings.Count(path, "/") > 2) {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil || !d.Type().IsRegular() || info.Size() > maxBeside || path == manifest || len(into) >= maxFiles {
			return err
		}
		into[path], err = root.ReadFile(path)
		return err
	})
}

// Plan prints what applying a manifest would do, and what comes of it where it
// is tried on a few targets.
func (s *Shifts) Plan(ctx context.Context, name string, sample int) error {
	p, err := s.plan(ctx, name)
	if err != nil {
		return err
	}
	if sample == 0 {
		return s.showPlan(p, nil)
	}
	if !s.JSON {
		if err := s.showPlan(p, nil); err != nil {
			return err
		}
	}
	sampled, err := s.Door.Sample(ctx, p, sample, func(said string) { fmt.Fprintln(s.Err, "honk: "+said) })
	if err != nil {
		return err
	}
	if s.JSON {
		return s.showPlan(p, &sampled)
	}
	return s.showSample(sampled)
}

func (s *Shifts) plan(ctx context.Context, name string) (shift.Planned, error) {
	f, err := load(name)
	if err != nil {
		return shift.Planned{}, err
	}
	return s.Door.Plan(ctx, f)
}

// Apply does what a manifest says, after asking unless yes.
func (s *Shifts) Apply(ctx context.Context, name string, yes bool) error {
	p, err := s.plan(ctx, name)
	if err != nil {
		return err
	}
	if err := s.showPlan(p, nil); err != nil {
		return err
	}
	if p.Shift.Generation > 0 && !p.Changed() {
		return nil
	}
	if !yes && !s.ask("Apply this? Only yes is taken for yes: ") {
		return task.Errorf(task.CodeCancelled, "nothing was applied")
	}
	applied, err := s.Door.Apply(ctx, p, s.User)
	if err != nil {
		return err
	}
	if !s.JSON {
		fmt.Fprintf(s.Out, "\n%s is %s, generation %d; honk shift status %s shows how it goes\n",
			applied.Shift.Name, applied.Shift.Phase, applied.Shift.Generation, applied.Shift.Name)
	}
	return nil
}

func (s *Shifts) ask(question string) bool {
	fmt.Fprint(s.Out, question)
	line, err := bufio.NewReader(io.LimitReader(s.In, 100)).ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.TrimSpace(line) == "yes"
}

// planned is a plan as JSON.
type planned struct {
	*plan.Plan
	Excluded any            `json:"excluded"`
	Sample   *shift.Sampled `json:"sample,omitempty"`
}

func (s *Shifts) json(v any) error {
	enc := json.NewEncoder(s.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// plain makes somebody's words safe for one line of a terminal.
func plain(text string, most int) string {
	return strings.Join(strings.Fields(secret.Clean(text, most)), " ")
}

// Pause holds a shift.
func (s *Shifts) Pause(ctx context.Context, name string) error {
	return s.say(s.Door.Orders.Pause(ctx, name, s.User), "%s is paused; honk shift resume %s lets it go on", name, name)
}

// Resume lets a shift go on.
func (s *Shifts) Resume(ctx context.Context, name string) error {
	return s.say(s.Door.Orders.Resume(ctx, name, s.User), "%s goes on", name)
}

// Approve approves what comes after a wave, or changes of one shape.
func (s *Shifts) Approve(ctx context.Context, name, what string) error {
	approved, err := s.Door.Orders.Approve(ctx, name, what, s.User)
	return s.say(err, "%s: approved %s", name, approved)
}

// Retry has what failed done once more.
func (s *Shifts) Retry(ctx context.Context, name string, which order.Which) error {
	n, err := s.Door.Orders.Retry(ctx, name, which, s.User)
	return s.say(err, "%s: %d targets are tried again", name, n)
}

// Close closes the pull requests of a shift and ends its targets.
func (s *Shifts) Close(ctx context.Context, name, repo string) error {
	n, err := s.Door.Orders.Close(ctx, name, repo, s.User)
	return s.say(err, "%s: %d targets are closed", name, n)
}

func (s *Shifts) say(err error, format string, args ...any) error {
	if err == nil {
		fmt.Fprintf(s.Out, format+"\n", args...)
	}
	return err
}
