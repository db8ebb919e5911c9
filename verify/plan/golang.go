package plan

import (
	"path"
	"regexp"
	"strings"

	"honk/verify/parse"
)

// goScript sets what every go command needs here: no version control to ask,
// no network (a proxy that is a missing directory makes go name the module that
// it lacks), no other toolchain.
const goScript = `export GOFLAGS="${GOFLAGS:+$GOFLAGS }-buildvcs=false" GOPROXY=file:///no-network GOTOOLCHAIN=local
`

var modulePath = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)

func planGo(s scope) []Verifier {
	module := ""
	if m := modulePath.FindStringSubmatch(s.read("go.mod")); m != nil {
		module = m[1]
	}
	out := []Verifier{
		{Name: "gofmt", Kind: Format, Command: "gofmt -l .", Recipe: &Recipe{
			Script: `exec gofmt -l .`, Read: readGofmt, Silent: true,
		}},
		{Name: "go build", Kind: Build, Command: "go build ./... && go vet ./...", Recipe: &Recipe{
			Script: goScript + `go build -o /dev/null ./... && exec go vet ./...`, Read: readGoBuild,
		}},
		{Name: "go test", Kind: Test, Command: "go test ./...", Recipe: &Recipe{
			Script: goScript + `exec go test -json -timeout="$HONK_TIMEOUT" "$@"`,
			Args:   []string{"./..."},
			Read: func(o Output) parse.Reading {
				return parse.GoTest(string(o.Raw), o.Stderr, module)
			},
			Alone: aloneGo,
			List:  []string{"sh", "-c", goScript + `exec go list -e -test -json=ImportPath,Dir,Deps,ForTest ./...`},
		}},
	}
	if s.has(".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json") != "" {
		out = append(out, Verifier{Name: "golangci-lint", Kind: Lint, Command: "golangci-lint run", Recipe: &Recipe{
			Script: goScript + `exec golangci-lint run`, Read: Lines,
		}})
	}
	return out
}

func aloneGo(id string) []string {
	pkg, name, ok := strings.Cut(id, ":")
	if !ok || strings.HasPrefix(pkg, "-") {
		return nil
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return []string{"-count=1", "-run", strings.Join(parts, "/"), pkg}
}

// readGofmt makes a finding of every file that gofmt would change, or cannot
// read, but for other people's and broken-on-purpose ones.
func readGofmt(o Output) parse.Reading {
	r := parse.Lines("", o.Stderr)
	for line := range strings.Lines(o.Stdout) {
		file := strings.TrimSuffix(line, "\n")
		if !strings.HasSuffix(file, ".go") || len(r.Findings) >= parse.MaxFindings {
			continue
		}
		r.Findings = append(r.Findings, parse.Finding{File: file, Rule: "gofmt", Message: "is not formatted: run gofmt -w"})
	}
	kept := r.Findings[:0]
	for _, f := range r.Findings {
		foreign := false
		for dir := range strings.SplitSeq(path.Dir(f.File), "/") {
			foreign = foreign || skippedDirs[dir]
		}
		if !foreign {
			kept = append(kept, f)
		}
	}
	r.Findings = kept
	return r
}

func readGoBuild(o Output) parse.Reading {
	r := parse.Lines("", o.Text())
	for i := range r.Findings {
		if r.Findings[i].Rule == "" {
			r.Findings[i].Rule = "build"
		}
	}
	return r
}
