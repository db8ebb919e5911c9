package parse

import (
	"fmt"
	"regexp"
	"strings"
)

// causes tell that a check could not be made, from what was printed. %s in a
// reason is the first group. They are looked at only when a check failed and
// no test of it ran: a test may well print such words.
var causes = []struct {
	ecosystem string // "" is all
	re        *regexp.Regexp
	reason    string
}{
	// Go
	{"go", regexp.MustCompile(`([^\s:]+@v[^\s:]+): (?:module lookup disabled|reading (?:file|https?):|Get "|dial tcp)`), "module %s is not in the module cache and there is no network here: run go mod download"},
	{"go", regexp.MustCompile(`/cache/download/(\S+)/@v/(\S+)\.lock: (?:read-only file system|permission denied)`), "module %s@%s is not in the module cache and there is no network here: run go mod download"},
	{"go", regexp.MustCompile(`module lookup disabled by GOPROXY=(off)`), "a module is not in the module cache (GOPROXY=%s): run go mod download"},
	{"go", regexp.MustCompile(`(?:go\.mod|go\.work|go:?).* requires go >= (\S+) \(running`), "the code needs go %s, which is newer than the sandbox's"},
	{"go", regexp.MustCompile(`go: inconsistent vendoring in (\S+):`), "vendor directory does not match go.mod: run go mod vendor%.0s"},
	{"go", regexp.MustCompile(`cgo: C compiler "?([^" ]+)"? not found`), "the C compiler %s is not installed in the sandbox"},
	{"go", regexp.MustCompile(`-race requires cgo`), "go test -race needs cgo and a C compiler"},
	{"go", regexp.MustCompile(`(GOCACHE) is not defined`), "%s is not set in the sandbox"},
	// Node
	{"node", regexp.MustCompile(`(?m)^(?:.*?: )?(?:\d+: )?(\S+): (?:command )?not found$`), "%s is not installed"},
	{"node", regexp.MustCompile(`Cannot find (?:module|package) '((?:@[\w.-]+/)?[A-Za-z][\w.-]*)(?:/[^']*)?'`), "package %s is not installed"},
	{"node", regexp.MustCompile(`Couldn't find the node_modules state file`), "dependencies are not installed"},
	{"node", regexp.MustCompile(`node_modules missing, did you mean to install`), "dependencies are not installed"},
	// Python
	{"python", regexp.MustCompile(`/(python[\d.]*): No module named ([\w]+)\b`), "%[2]s is not installed in the sandbox's %[1]s: install it there or mount a virtual environment (sandbox.mounts in honk.yaml)"},
	{"python", regexp.MustCompile(`(?:ModuleNotFoundError|ImportError).*No module named '([A-Za-z0-9_]+)'`), "python module %s is not installed in the sandbox: install it there or mount a virtual environment (sandbox.mounts in honk.yaml)"},
	{"python", regexp.MustCompile(`error: unrecognized arguments: (\S+)`), "a pytest plugin is not installed: the configuration asks for %s"},
	{"python", regexp.MustCompile(`Missing required plugins: (\S+)`), "the pytest plugin %s is not installed"},
	{"python", regexp.MustCompile(`requires pytest-(\S+),? but pytest-`), "the tests need pytest %s"},
	// Rust
	{"rust", regexp.MustCompile(`no matching package (?:named )?.(\S+). found`), "crate %s is not in the cargo registry and there is no network here: run cargo fetch"},
	{"rust", regexp.MustCompile(`(?:failed to download|unable to get packages|failed to get) (?:from )?.?([\w.-]+)`), "crate %s is not in the cargo registry and there is no network here: run cargo fetch"},
	{"rust", regexp.MustCompile(`no such (?:command|subcommand): .([\w-]+).`), "cargo %s is not installed"},
	{"rust", regexp.MustCompile(`'(cargo-\w+)' is not installed for the toolchain`), "%s is not installed"},
	{"rust", regexp.MustCompile(`linker .(\S+). not found`), "the linker %s is not installed in the sandbox"},
	{"rust", regexp.MustCompile(`rustup could not choose a version of (\w+)`), "no rust toolchain is installed for %s"},
	{"rust", regexp.MustCompile(`requires rustc (\S+) or newer`), "the code needs rustc %s, newer than the sandbox's"},
	// JVM
	{"maven", regexp.MustCompile(`Cannot access .* in offline mode and the artifact (\S+) has not been downloaded`), "artifact %s is not in ~/.m2 and there is no network here: run mvn dependency:go-offline"},
	{"maven", regexp.MustCompile(`Plugin (\S+) or one of its dependencies could not be resolved`), "plugin %s is not in ~/.m2 and there is no network here: run mvn dependency:go-offline"},
	{"maven", regexp.MustCompile(`Could not (?:resolve dependencies|transfer artifact|find artifact)\S* (?:for project )?(\S+)`), "dependencies of %s are not in ~/.m2: run mvn dependency:go-offline"},
	{"maven", regexp.MustCompile(`Non-resolvable parent POM for (\S+?):? `), "the parent of %s is not in ~/.m2: run mvn dependency:go-offline"},
	{"gradle", regexp.MustCompile(`No cached version of (\S+) available for offline mode`), "%s is not in the gradle cache and there is no network here: run the build once outside"},
	{"gradle", regexp.MustCompile(`Plugin \[id: '([^']+)'.*was not found`), "gradle plugin %s is not in the gradle cache"},
	{"gradle", regexp.MustCompile(`Task '(\w+)' not found`), "the build has no task %s"},
	{"jvm", regexp.MustCompile(`(?:release version|invalid target release:?|invalid source release:?) (\S+)(?: not supported)?`), "the code needs java %s, newer than the sandbox's"},
	{"jvm", regexp.MustCompile(`No compiler is provided in this environment`), "only a JRE is installed: a JDK is needed"},
	{"jvm", regexp.MustCompile(`(JAVA_HOME) (?:is not (?:set|defined)|environment variable is not)`), "%s is not set and no java was found"},
	{"jvm", regexp.MustCompile(`no '(java)' command could be found`), "%s is not installed in the sandbox"},
	// Lint and others
	{"", regexp.MustCompile(`(?m)^Could not locate Gemfile|Could not find (\S+) in (?:any of the sources|locally installed gems)`), "gem %s is not installed: run bundle install"},
	{"", regexp.MustCompile(`(?m)^Could not open input file: (vendor/\S+)`), "%s is missing: run composer install"},
	// Anybody's
	{"", regexp.MustCompile(`EROFS: read-only file system, \w+ '([^']*node_modules[^']*)'`), "%s cannot be written, installed packages are shown read-only: mount a copy of node_modules (sandbox.mounts with writable: true in honk.yaml)"},
	{"", regexp.MustCompile(`(?m)^(?:\S+: )?(?:line )?(?:\d+: )?(?:exec: )?(\S+): (?:command )?not found$`), "%s is not installed in the sandbox"},
	{"", regexp.MustCompile(`(?m)^make(?:\[\d+\])?: (\S+): No such file or directory$`), "%s is not installed in the sandbox"},
	{"", regexp.MustCompile(`Could not resolve host:? ([\w.-]+)`), "host %s cannot be reached: there is no network here"},
	{"", regexp.MustCompile(`getaddrinfo (?:EAI_AGAIN|ENOTFOUND) ([\w.-]+)`), "host %s cannot be reached: there is no network here"},
	{"", regexp.MustCompile(`UnknownHostException: ([\w.-]+)`), "host %s cannot be reached: there is no network here"},
	{"", regexp.MustCompile(`dial tcp: lookup ([\w.-]+)`), "host %s cannot be reached: there is no network here"},
	{"", regexp.MustCompile(`(?i)(?:temporary failure in name resolution|network is unreachable|ENETUNREACH)`), "a host cannot be reached: there is no network here"},
	{"", regexp.MustCompile(`(?i)no space left on device`), "the sandbox's disk is full"},
	{"", regexp.MustCompile(`(?i)(?:cannot allocate memory|java\.lang\.OutOfMemoryError|JavaScript heap out of memory)`), "the sandbox's memory ran out"},
}

// Cause returns why a check could not be made, "" when the text does not say
// so and the failure must be taken for the code's. ecosystem is "go", "node",
// "python", "rust", "maven", "gradle" or "".
func Cause(ecosystem, text string) string {
	if len(text) > maxSummary {
		text = text[:maxSummary/2] + "\n" + text[len(text)-maxSummary/2:]
	}
	for _, c := range causes {
		jvm := c.ecosystem == "jvm" && (ecosystem == "maven" || ecosystem == "gradle")
		if c.ecosystem != "" && c.ecosystem != ecosystem && !jvm {
			continue
		}
		m := c.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		args := make([]any, strings.Count(c.reason, "%"))
		for i := range args {
			args[i] = Clip(m[min(i+1, len(m)-1)], 1, 100)
		}
		return fmt.Sprintf(c.reason, args...)
	}
	return ""
}
