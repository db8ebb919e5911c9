package verify

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"honk/sandbox"
	"honk/verify/parse"
	"honk/verify/plan"
)

const (
	// chunk is how much of an output is fetched at once.
	chunk = 1 << 20
	// maxFetched is how much of an output is looked at in all.
	maxFetched = 32 << 20
	// helpTimeout bounds the small commands around a verifier.
	helpTimeout = time.Minute
)

// runner runs verifiers in one sandbox.
type runner struct {
	sb   sandbox.Sandbox
	opts Options
}

// run runs a verifier's process and reads what it left. args replace the
// recipe's.
func (r runner) run(ctx context.Context, v Verifier, args []string, limit time.Duration) (Result, error) {
	res := newResult(v)
	rec := v.Recipe
	if rec == nil {
		rec = &plan.Recipe{Read: plan.Any}
		if v.Kind != Test {
			rec.Read = plan.Lines
		}
	}
	dir, err := r.tempDir(ctx)
	if err != nil {
		return res, err
	}
	defer r.remove(ctx, dir)
	cmd := r.command(v, rec, args, dir, limit)
	ex, err := r.sb.Exec(ctx, cmd)
	switch {
	case ctx.Err() != nil:
		return res, context.Cause(ctx)
	case gone(err):
		res.Status, res.Reason = Broken, fmt.Sprintf("directory %q is gone", v.Dir)
		return res, nil
	case err != nil:
		return res, err
	}
	out, complete, err := r.output(ctx, v, rec, dir, ex)
	if err != nil {
		return res, err
	}
	res.ExitCode, res.Duration = ex.ExitCode, ex.Duration
	reading := rec.Read(out)
	if !complete {
		// A list of tests with a hole in it would be taken for lost tests.
		reading.Tests = nil
	}
	r.conclude(&res, v, ex, reading, out)
	if !complete && res.Status == Pass {
		res.Reason = "the output was too long to count tests in it"
	}
	if reading.Text == "" {
		reading.Text = out.Text()
	}
	res.Output = outputText(res, reading.Text)
	return res, nil
}

func (r runner) command(v Verifier, rec *plan.Recipe, args []string, dir string, limit time.Duration) sandbox.Command {
	env := map[string]string{
		"HONK_OUT": dir,
		// The runner's own time-out names the test that hangs; ours does not.
		"HONK_TIMEOUT": strconv.Itoa(max(1, int(limit.Seconds()*9/10))) + "s",
	}
	cmd := sandbox.Command{
		Dir: v.Dir, Env: env, Timeout: limit, MaxOutput: chunk, Keep: true,
		Args: []string{"bash", "-c", v.Command}, Merge: true,
	}
	if v.Recipe != nil {
		if args == nil {
			args = rec.Args
		}
		cmd.Args = append([]string{"sh", "-c", rec.Script, "honk"}, args...)
		cmd.Merge = false
	}
	return cmd
}

// output collects what the process printed and the reports it wrote.
func (r runner) output(ctx context.Context, v Verifier, rec *plan.Recipe, dir string, ex sandbox.ExecResult) (plan.Output, bool, error) {
	o := plan.Output{Root: path.Join(r.sb.Root(), v.Dir)}
	raw, complete, err := r.whole(ctx, ex.Stdout)
	if err != nil {
		return o, false, err
	}
	o.Raw = r.relative(raw, v.Dir)
	o.Stdout = parse.Clean(o.Raw)
	stderr, noModules := strings.CutSuffix(string(ex.Stderr.Bytes()), plan.NoModules+"\n")
	o.NoModules = noModules
	o.Stderr = parse.Clean(r.relative([]byte(stderr), v.Dir))
	if rec.Collect == "" {
		return o, complete, nil
	}
	// The mark is made after the tests are dead: none of them can know it.
	mark := "honk-" + rand.Text()
	got, err := r.sb.Exec(ctx, sandbox.Command{
		Args: []string{"sh", "-c", rec.Collect, "honk", mark}, Dir: v.Dir,
		Env:     map[string]string{"HONK_OUT": dir},
		Timeout: helpTimeout, MaxOutput: chunk, Keep: true,
	})
	if err != nil {
		return o, false, err
	}
	raw, whole, err := r.whole(ctx, got.Stdout)
	if err != nil {
		return o, false, err
	}
	for part := range bytes.SplitSeq(raw, []byte("\n"+mark+"\n")) {
		if len(bytes.TrimSpace(part)) > 0 {
			o.Reports = append(o.Reports, r.relative(part, v.Dir))
		}
	}
	// What the process printed matters less where it wrote a report.
	return o, whole && (complete || len(o.Reports) > 0), nil
}

// relative takes the work tree's own path out of a text.
func (r runner) relative(raw []byte, dir string) []byte {
	raw = bytes.ReplaceAll(raw, []byte("file://"+r.sb.Root()), []byte(r.sb.Root()))
	here := path.Join(r.sb.Root(), dir)
	raw = bytes.ReplaceAll(raw, []byte(here+"/"), nil)
	return bytes.ReplaceAll(raw, []byte(here), []byte("."))
}

// whole returns a stream, fetching the file it was kept in where its middle
// is missing. It reports whether nothing is missing.
func (r runner) whole(ctx context.Context, out sandbox.Output) ([]byte, bool, error) {
	if !out.Truncated() {
		return out.Bytes(), true, nil
	}
	if out.File == "" {
		return out.Bytes(), false, nil
	}
	var raw []byte
	for len(raw) < maxFetched {
		got, err := r.sb.Exec(ctx, sandbox.Command{
			Args: []string{
				"sh", "-c", `tail -c "+$1" -- "$2" | head -c "$3"`, "honk",
				strconv.Itoa(len(raw) + 1), out.File, strconv.Itoa(chunk),
			},
			Timeout: helpTimeout, MaxOutput: chunk,
		})
		if err != nil {
			return nil, false, err
		}
		raw = append(raw, got.Stdout.Head...)
		raw = append(raw, got.Stdout.Tail...)
		if got.ExitCode != 0 || got.Stdout.Truncated() {
			return out.Bytes(), false, nil
		}
		if len(got.Stdout.Head)+len(got.Stdout.Tail) < chunk {
			return raw, true, nil
		}
	}
	return out.Bytes(), false, nil
}

// tempDir makes a fresh directory outside the work tree.
func (r runner) tempDir(ctx context.Context) (string, error) {
	got, err := r.sb.Exec(ctx, sandbox.Command{
		Args: []string{"mktemp", "-d"}, Timeout: helpTimeout, Merge: true,
	})
	if err != nil {
		return "", err
	}
	dir := strings.TrimSuffix(string(got.Stdout.Bytes()), "\n")
	if got.ExitCode != 0 || !path.IsAbs(dir) {
		return "", fmt.Errorf("making a temporary directory in the sandbox: exit status %d: %s", got.ExitCode, parse.Clip(dir, 1, 200))
	}
	return dir, nil
}

// remove frees the space; what it leaves ends with the sandbox.
func (r runner) remove(ctx context.Context, dir string) {
	_, _ = r.sb.Exec(ctx, sandbox.Command{Args: []string{"rm", "-rf", "--", dir}, Timeout: helpTimeout})
}

// place makes a finding's file relative to the root.
func (r runner) place(file, dir string) string {
	if rest, ok := strings.CutPrefix(file, r.sb.Root()+"/"); ok {
		return rest
	}
	if file == "" || path.IsAbs(file) {
		return file
	}
	return path.Join(dir, file)
}
