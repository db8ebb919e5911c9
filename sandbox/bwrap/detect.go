package bwrap

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"honk/internal/task"
	"honk/sandbox"
)

// features are what this machine's bubblewrap can do.
type features struct {
	program       string
	disableUserns bool // since 0.8.0
	size          bool // since 0.7.0
}

const install = "install it (apt-get install bubblewrap) or choose another --sandbox"

// detect asks bubblewrap what it can do.
func detect(program string) (features, error) {
	if program == "" {
		for _, dir := range filepath.SplitList(sandbox.BasePath) {
			if stat, err := os.Stat(filepath.Join(dir, "bwrap")); err == nil && stat.Mode().IsRegular() {
				program = filepath.Join(dir, "bwrap")
				break
			}
		}
	}
	if program == "" {
		return features{}, task.Errorf(task.CodeSandbox, "bubblewrap is missing: %s", install)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) //nolint:forbidigo // asked once for all tasks
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--help")
	cmd.Env = []string{}
	help, err := cmd.CombinedOutput()
	if err != nil {
		return features{}, task.Errorf(task.CodeSandbox, "running %q: %w: %s", program, err, install)
	}
	return features{
		program:       program,
		disableUserns: strings.Contains(string(help), "--disable-userns"),
		size:          strings.Contains(string(help), "--size"),
	}, nil
}

// remedy says what to do about a sandbox that did not start.
func remedy(err error) error {
	var e *task.Error
	if !errors.As(err, &e) {
		return err
	}
	text := strings.ToLower(e.Message)
	switch {
	case strings.Contains(text, "creating new namespace failed: no space left"):
		return task.Errorf(task.CodeSandbox,
			"user namespaces are switched off: run sysctl user.max_user_namespaces=10000 (%w)", err)
	case readSysctl("kernel/apparmor_restrict_unprivileged_userns") == "1" && os.Getuid() != 0:
		return task.Errorf(task.CodeSandbox, "AppArmor forbids user namespaces: add an AppArmor profile for "+
			"bwrap with 'userns,' or run sysctl kernel.apparmor_restrict_unprivileged_userns=0 (%w)", err)
	case strings.Contains(text, "creating new namespace failed"),
		strings.Contains(text, "no permissions to creat"),
		strings.Contains(text, "setting up uid map"):
		return task.Errorf(task.CodeSandbox, "this machine forbids user namespaces: run sysctl "+
			"kernel.unprivileged_userns_clone=1, in a container allow them in its seccomp profile (%w)", err)
	case strings.Contains(text, "can't mount proc"):
		return task.Errorf(task.CodeSandbox, "this container forbids mounting /proc: start it with "+
			"--security-opt systempaths=unconfined (%w)", err)
	default:
		return err
	}
}

func readSysctl(name string) string {
	text, _ := os.ReadFile(filepath.Join("/proc/sys", name))
	return strings.TrimSpace(string(text))
}
