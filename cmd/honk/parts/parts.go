// Package parts makes what several commands work with out of the
// configuration.
package parts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"honk/internal/config"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/host"
)

// Scanner knows every secret this process holds.
func Scanner(cfg *config.Config) (*secret.Scanner, error) {
	var patterns []string
	for _, p := range cfg.Org.Secrets.Patterns {
		patterns = append(patterns, p.Regex)
	}
	return secret.New(cfg.Known(), patterns)
}

// Backend returns the sandbox that name or else the configuration names, for
// the toolchains that env leads to. A warning goes to warn.
func Backend(env map[string]string, warn io.Writer, cfg *config.Config, name string) (sandbox.Backend, error) {
	if name == "" {
		name = cfg.Sandbox
	}
	tools := sandbox.DetectTools(env)
	tools.Path = append(slices.Clone(cfg.Org.Sandbox.Path), tools.Path...)
	switch name {
	case "bwrap":
		return bwrap.New(bwrap.Options{Tools: tools}), nil
	case "host":
		fmt.Fprintln(warn, "WARNING: --sandbox host isolates nothing: what the model and the repository run can read and change everything you can.")
		return host.New(host.Options{Tools: tools}), nil
	}
	return nil, task.Errorf(task.CodeInvalid, "sandbox %q is not available; use bwrap, or host for no isolation at all", name)
}

// SandboxSpec is the organisation's sandbox policy.
func SandboxSpec(cfg *config.Config) sandbox.Spec {
	s := cfg.Org.Sandbox
	spec := sandbox.Spec{Env: s.Env, Limits: sandbox.Limits{
		CPUTime: s.CPUTime, Memory: int64(s.Memory), Processes: s.Processes,
		FileSize: int64(s.FileSize), Disk: int64(s.Disk),
	}}
	for _, m := range s.Mounts {
		spec.Mounts = append(spec.Mounts, sandbox.Mount(m))
	}
	return spec
}

// JudgeMode is what the judge may do, as configured or asked, never below the
// floor.
func JudgeMode(cfg *config.Config, asked string) judge.Mode {
	mode := cfg.Org.Judge.Mode
	if asked != "" {
		mode = config.JudgeMode(asked)
	}
	return judge.Mode(mode.Stricter(cfg.Org.Judge.Floor))
}

// Policy is what a change may touch.
func Policy(cfg *config.Config) judge.Policy {
	p := cfg.Org.Policy
	return judge.Policy{
		AllowProtected: p.AllowProtected, MaxFiles: p.MaxFiles, MaxLines: p.MaxLines, Registries: p.Registries,
	}
}

// DataDir makes sure that the data directory can be written to, and returns
// it.
func DataDir(cfg *config.Config) (string, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return "", task.Errorf(task.CodeInvalid, "%w; set HONK_DATA_DIR to a directory that can be written to", err)
	}
	f, err := os.CreateTemp(cfg.DataDir, "doctor-")
	if err != nil {
		return "", task.Errorf(task.CodeInvalid, "%w; set HONK_DATA_DIR to a directory that can be written to", err)
	}
	return cfg.DataDir, errors.Join(f.Close(), os.Remove(f.Name()))
}
