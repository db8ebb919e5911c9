package runner_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/task"
	"honk/sandbox"
)

// What an agent nests without end in its caches holds up no task and stays
// nowhere; what a base commit nests is not copied from task to task.
func TestRun_hostileCache(t *testing.T) {
	t.Parallel()
	h := setup(t)
	nest := `perl -e 'for (1..%) { mkdir "x"; chdir "x" }'`
	h.repo.URL = newRepository(t, filepath.Join(t.TempDir(), "repo"), map[string]string{
		".honk.yaml": "verify:\n- {name: check, kind: test, run: \"touch /cache/warm; cd /cache; " +
			strings.ReplaceAll(strings.Replace(nest, "%", "100", 1), `"`, `\"`) + "\"}\n",
		"a.txt": "good\n",
	})
	saw := ""
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		for _, script := range []string{"ls /cache", "cd /cache && " + strings.Replace(nest, "%", "300", 1) + " && chmod 0 /cache"} {
			res, err := in.Sandbox.Exec(ctx, sandbox.Command{Args: []string{"sh", "-c", script}})
			if err != nil || res.ExitCode != 0 {
				t.Errorf("%s: %+v, %v", script, res, err)
			}
			saw += string(res.Stdout.Bytes())
		}
		return write("a.txt", "better\n")(ctx, in)
	}
	for range 2 {
		saw = ""
		if res := h.run(t); res.Status != task.StatusDelivered {
			t.Fatalf("got %s: %s", res.Status, res.Summary)
		}
		if left, err := os.ReadDir(filepath.Join(h.opts.Dir, "tasks")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if strings.Contains(saw, "x") {
		t.Errorf("the second task's cache holds %q", saw)
	}
}

// A branch of a stranger has the lockfiles of the one it left. What ran there
// writes no cache for tasks elsewhere.
func TestRun_cacheOfBranch(t *testing.T) {
	t.Parallel()
	h := setup(t)
	mustGit(t, h.repo.URL, "checkout", "-q", "-b", "stranger")
	config := strings.Replace(files[".honk.yaml"], "warm", "poison", 1)
	if err := os.WriteFile(filepath.Join(h.repo.URL, ".honk.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	mustGit(t, h.repo.URL, "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-q", "-a", "-m", "Poison")
	saw := map[string]string{}
	for _, ref := range []string{"stranger", "stranger", "main"} {
		h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
			res, err := in.Sandbox.Exec(ctx, sandbox.Command{Args: []string{"sh", "-c", `cat "$GOCACHE.mark"`}})
			saw[ref] = string(res.Stdout.Bytes())
			if err != nil {
				return agent.Result{}, err
			}
			return write("a.txt", "better\n")(ctx, in)
		}
		next := h.task()
		next.Request.Ref = ref
		if res := h.runner.Run(t.Context(), next); res.Status != task.StatusDelivered {
			t.Fatalf("got %s: %s", res.Status, res.Summary)
		}
	}
	if !strings.Contains(saw["stranger"], "poison") {
		t.Errorf("the branch's own cache holds %q; the test proves nothing", saw["stranger"])
	}
	if strings.Contains(saw["main"], "poison") {
		t.Errorf("a stranger's branch wrote the cache of main: %q", saw["main"])
	}
}
