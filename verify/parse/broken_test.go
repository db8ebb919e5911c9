package parse_test

import (
	"strings"
	"testing"

	"honk/verify/parse"
)

func TestCause(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ ecosystem, text, want string }{
		{"go", "a.go:3:8: example.com/x@v1.2.3: reading file:///no-network/example.com/x/@v/v1.2.3.zip: no such file", "module example.com/x@v1.2.3 is not in the module cache and there is no network here: run go mod download"},
		{"go", `go: example.com/x@v1.2.3: Get "https://proxy.golang.org/x": dial tcp: lookup proxy.golang.org: no such host`, "module example.com/x@v1.2.3 is not in the module cache and there is no network here: run go mod download"},
		{"go", "a.go:3:8: open /go/pkg/mod/cache/download/example.com/x/@v/v1.2.3.lock: read-only file system", "module example.com/x@v1.2.3 is not in the module cache and there is no network here: run go mod download"},
		{"go", "go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)", "the code needs go 1.99, which is newer than the sandbox's"},
		{"go", `# runtime/cgo` + "\n" + `cgo: C compiler "gcc" not found: exec: "gcc": executable file not found in $PATH`, "the C compiler gcc is not installed in the sandbox"},
		{"go", "./a.go:3:4: undefined: x", ""},
		{"go", "a.go:3:8: no required module provides package example.com/y; to add it:", ""},
		{"node", "sh: 1: jest: not found", "jest is not installed"},
		{"node", "Error: Cannot find module 'lodash'\nRequire stack:", "package lodash is not installed"},
		{"node", "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@a/b' imported from /w/x.js", "package @a/b is not installed"},
		{"node", "Error: Cannot find module './own.js'", ""},
		{"", "Error: EROFS: read-only file system, mkdir 'node_modules/.cache'", "node_modules/.cache cannot be written, installed packages are shown read-only: mount a copy of node_modules (sandbox.mounts with writable: true in honk.yaml)"},
		{"node", "Error: Cannot find module '/w/own.js'", ""},
		{"python", "/usr/bin/python3: No module named pytest", "pytest is not installed in the sandbox's python3: install it there or mount a virtual environment (sandbox.mounts in honk.yaml)"},
		{"python", "E   ModuleNotFoundError: No module named 'requests'", "python module requests is not installed in the sandbox: install it there or mount a virtual environment (sandbox.mounts in honk.yaml)"},
		{"python", "E   ModuleNotFoundError: No module named 'calc.gone'", ""},
		{"python", "pytest: error: unrecognized arguments: --cov=calc", "a pytest plugin is not installed: the configuration asks for --cov=calc"},
		{"rust", "error: no matching package named `serde` found\nlocation searched: crates.io index", "crate serde is not in the cargo registry and there is no network here: run cargo fetch"},
		{"rust", "error: linker `cc` not found", "the linker cc is not installed in the sandbox"},
		{"rust", "error: no such command: `clippy`", "cargo clippy is not installed"},
		{"rust", "error[E0425]: cannot find value `x` in this scope", ""},
		{"maven", "[ERROR] Cannot access central (https://repo.maven.apache.org/maven2) in offline mode and the artifact junit:junit:jar:4.13 has not been downloaded from it before.", "artifact junit:junit:jar:4.13 is not in ~/.m2 and there is no network here: run mvn dependency:go-offline"},
		{"maven", "[ERROR] Fatal error compiling: error: release version 25 not supported", "the code needs java 25, newer than the sandbox's"},
		{"maven", "[ERROR] /w/A.java:[3,4] cannot find symbol", ""},
		{"gradle", "> No cached version of junit:junit:4.13 available for offline mode.", "junit:junit:4.13 is not in the gradle cache and there is no network here: run the build once outside"},
		{"gradle", "Exception in thread main java.net.UnknownHostException: services.gradle.org", "host services.gradle.org cannot be reached: there is no network here"},
		{"", "bash: line 1: terraform: command not found", "terraform is not installed in the sandbox"},
		{"", "make: gcc: No such file or directory\nmake: *** [Makefile:2: x] Error 127", "gcc is not installed in the sandbox"},
		{"", "write /w/x: no space left on device", "the sandbox's disk is full"},
		{"", "npm ERR! getaddrinfo EAI_AGAIN registry.npmjs.org", "host registry.npmjs.org cannot be reached: there is no network here"},
		{"", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "the sandbox's memory ran out"},
		{"", "assertion failed: user not found", ""},
		{"", "page: key not found in cache", ""},
	} {
		if got := parse.Cause(tt.ecosystem, tt.text); got != tt.want {
			t.Errorf("Cause(%q, %q)\n got %q\nwant %q", tt.ecosystem, tt.text, got, tt.want)
		}
	}
}

func TestCause_bounded(t *testing.T) {
	t.Parallel()
	text := "sh: 1: " + strings.Repeat("x", 5000) + ": not found"
	if got := parse.Cause("", text); len(got) > 200 {
		t.Errorf("%d bytes", len(got))
	}
}
