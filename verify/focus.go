package verify

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"honk/sandbox"
)

// minFocus is the number of packages below which all tests are run at once.
const minFocus = 20

// goFocus returns the packages that changed and those that depend on them,
// nil when that is no help.
func (r runner) goFocus(ctx context.Context, v Verifier) ([]string, error) {
	got, err := r.sb.Exec(ctx, sandbox.Command{
		Args:    v.Recipe.List,
		Dir:     v.Dir,
		Timeout: helpTimeout, MaxOutput: chunk, Keep: true,
	})
	if err != nil {
		if gone(err) {
			return nil, nil
		}
		return nil, err
	}
	raw, complete, err := r.whole(ctx, got.Stdout)
	if err != nil || !complete || got.ExitCode != 0 {
		return nil, err
	}
	return focus(raw, r.sb.Root(), r.opts.Changed), nil
}

// focus picks packages from the output of go list -test -json.
func focus(raw []byte, root string, changed []string) []string {
	dirs := map[string]bool{}
	for _, file := range changed {
		if name := path.Base(file); name == "go.mod" || name == "go.sum" {
			return nil // matters to all
		}
		dirs[path.Join(root, path.Dir(file))] = true
	}
	type listed struct {
		ImportPath, Dir, ForTest string
		Deps                     []string
	}
	var all []listed
	touched := map[string]bool{}
	packages := 0
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	for dec.More() {
		var p listed
		if dec.Decode(&p) != nil {
			return nil
		}
		p.ImportPath, _, _ = strings.Cut(p.ImportPath, " ")
		all = append(all, p)
		if p.ForTest == "" && !strings.HasSuffix(p.ImportPath, ".test") {
			packages++
			if inside(dirs, p.Dir, root) {
				touched[p.ImportPath] = true
			}
		}
	}
	picked := map[string]bool{}
	for _, p := range all {
		name := strings.TrimSuffix(p.ImportPath, ".test")
		if p.ForTest != "" {
			name = p.ForTest
		}
		hit := touched[name] || slices.ContainsFunc(p.Deps, func(d string) bool {
			d, _, _ = strings.Cut(d, " ")
			return touched[d]
		})
		if hit {
			picked[name] = true
		}
	}
	if packages < minFocus || len(picked) == 0 || len(picked) > packages/2 {
		return nil
	}
	out := make([]string, 0, len(picked))
	for name := range picked {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// inside reports whether a changed directory is the package's or lies below
// it, like its testdata.
func inside(dirs map[string]bool, pkg, root string) bool {
	for dir := range dirs {
		for d := dir; len(d) >= len(root); d = path.Dir(d) {
			if d == pkg {
				return true
			}
			if path.Base(d) != "testdata" && !strings.Contains(d, "/testdata/") {
				break
			}
		}
	}
	return false
}
