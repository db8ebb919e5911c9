package verify

import (
	"io/fs"

	"honk/verify/plan"
)

// Kind orders verifiers: they run in this order.
type Kind = plan.Kind

// The kinds of verifier.
const (
	Format = plan.Format
	Build  = plan.Build
	Lint   = plan.Lint
	Test   = plan.Test
)

// Verifier is one check of a repository: what to run, where, and how to read
// what it prints.
type Verifier = plan.Verifier

// Command is a verifier that the operator, or .honk.yaml at the base commit,
// configured.
type Command = plan.Command

// Detect returns the plan for a repository, from its base tree only. A
// configured command replaces what would be detected of its kind in its
// directory.
func Detect(base fs.FS, configured []Command) []Verifier { return plan.Detect(base, configured) }

// Lockfiles returns the paths of the base tree whose content keys the warm
// build cache.
func Lockfiles(base fs.FS) []string { return plan.Lockfiles(base) }

// DependencyDirs names the ignored directories that a package manager may
// have filled beside the manifests of a local working copy. They are shown to
// the sandbox read-only where they exist.
func DependencyDirs(base fs.FS) []string { return plan.DependencyDirs(base) }
