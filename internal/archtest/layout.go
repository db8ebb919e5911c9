package archtest

// layers says on which floor each package lives. A package imports those of
// lower floors only, those of its own tree (sandbox/bwrap and sandbox), and
// what sideways allows. A package may be named here before it exists.
var layers = map[string]int{
	"internal/nearest": 0,
	"internal/rmtree":  0,
	"internal/task":    0,
	"migrations":       0,

	"internal/config":           1,
	"internal/config/registry":  1,
	"internal/config/yamlguard": 1,
	"internal/git":              1,
	"internal/git/command":      1,
	"internal/git/githttp":      1,
	"internal/git/origin":       1,
	"internal/git/tree":         1,
	"internal/grammar":          1,
	"internal/inbound":          1,
	"internal/llm":              1,
	"internal/llm/llmtest":      1,
	"internal/llm/modeltest":    1,
	"internal/llm/openai":       1,
	"internal/postgres":         1,
	"internal/postgres/people":  1,
	"internal/postgres/pgtest":  1,
	"internal/postgres/server":  1,
	"internal/postgres/shift":   1,
	"internal/secret":           1,
	"sandbox":                   1,
	"sandbox/bwrap":             1,
	"sandbox/docker":            1,
	"sandbox/guest":             1,
	"sandbox/guest/client":      1,
	"sandbox/guest/tree":        1,
	"sandbox/guest/wire":        1,
	"sandbox/host":              1,
	"sandbox/image":             1,
	"sandbox/image/imagetest":   1,
	"sandbox/sandboxtest":       1,

	"agent":           2,
	"agent/prompt":    2,
	"agent/script":    2,
	"agent/tool":      2,
	"agent/tool/args": 2,
	"agent/tool/edit": 2,
	"judge":           2,
	"judge/check":     2,
	"judge/diff":      2,
	"judge/manifest":  2,
	"verify":          2,
	"verify/parse":    2,
	"verify/plan":     2,

	"fleet":                   3,
	"fleet/cluster":           3,
	"fleet/ledger":            3,
	"fleet/life":              3,
	"fleet/manifest":          3,
	"fleet/plan":              3,
	"fleet/schedule":          3,
	"fleet/signature":         3,
	"fleet/status":            3,
	"fleet/strict":            3,
	"fleet/target":            3,
	"fleet/text":              3,
	"fleet/wave":              3,
	"fleet/window":            3,
	"internal/runner":         3,
	"internal/runner/disk":    3,
	"internal/runner/fact":    3,
	"internal/runner/message": 3,

	"integrations/github":                   4,
	"integrations/github/catalog":           4,
	"integrations/github/client":            4,
	"integrations/github/client/app":        4,
	"integrations/github/event":             4,
	"integrations/github/forge":             4,
	"integrations/github/githubtest":        4,
	"integrations/github/githubtest/lookup": 4,
	"integrations/github/githubtest/oauth":  4,
	"integrations/github/githubtest/record": 4,
	"integrations/github/githubtest/rest":   4,
	"integrations/github/githubtest/world":  4,
	"integrations/github/gitops":            4,
	"integrations/github/markdown":          4,
	"integrations/github/page":              4,
	"integrations/github/post":              4,
	"integrations/github/oauth":             4,
	"integrations/github/shift":             4,
	"integrations/shift":                    4,
	"integrations/shift/act":                4,
	"integrations/shift/board":              4,
	"integrations/shift/ending":             4,
	"integrations/shift/health":             4,
	"integrations/shift/keep":               4,
	"integrations/shift/look":               4,
	"integrations/shift/order":              4,
	"integrations/shift/revert":             4,
	"integrations/shift/see":                4,
	"integrations/slack":                    4,
	"integrations/slack/client":             4,
	"integrations/slack/event":              4,
	"integrations/slack/missed":             4,
	"integrations/slack/mrkdwn":             4,
	"integrations/slack/page":               4,
	"integrations/slack/record":             4,
	"integrations/slack/route":              4,
	"integrations/slack/slacktest":          4,
	"integrations/slack/slacktest/blockkit": 4,
	"integrations/slack/slacktest/webapi":   4,
	"integrations/slack/slacktest/wire":     4,
	"integrations/slack/slacktest/world":    4,
	"internal/web":                          4,
	"queue":                                 4,
	"queue/budget":                          4,
	"queue/view":                            4,

	"cmd/honk":         5,
	"cmd/honk/console": 5,
	"cmd/honk/demo":    5,
	"cmd/honk/doctor":  5,
	"cmd/honk/parts":   5,
	"cmd/honk/service": 5,
	"cmd/honk/shifts":  5,
	"cmd/honk/tasks":   5,

	// Not part of the house: they look at it from outside.
	"hack/configdoc":    5,
	"hack/shiftschema":  5,
	"internal/archtest": 5,
}

// sideways lists the imports between trees of one floor.
var sideways = map[string][]string{
	"agent": {"verify"},
	"judge": {"verify"},
}

// cages says which packages may import an SDK; elsewhere its types would
// leak into the house.
var cages = map[string][]string{
	"github.com/riverqueue/river":            {"queue"},
	"github.com/google/go-containerregistry": {"sandbox/image", "sandbox/image/imagetest"},
	"github.com/google/go-github":            {"integrations/github/client", "integrations/github/client/app"},
	"github.com/bradleyfalzon":               {"integrations/github/client/app"},
	"github.com/gofri":                       {"integrations/github/client/app"},
	"github.com/slack-go/slack":              {"integrations/slack/client", "integrations/slack/event", "integrations/slack/page", "integrations/slack/slacktest"},
	"github.com/sashabaranov/go-openai":      {"internal/llm/openai"},
	"github.com/docker":                      {"sandbox/docker"},
	"github.com/moby":                        {"sandbox/docker"},
	"github.com/go-git":                      {"internal/git", "internal/git/tree"},
	"github.com/jackc/pgx":                   {"queue", "queue/budget", "internal/postgres", "internal/postgres/people", "internal/postgres/pgtest", "internal/postgres/server", "internal/postgres/shift"},
	"github.com/pressly/goose":               {"internal/postgres"},
	"github.com/zricethezav/gitleaks":        {"internal/secret"},
	"github.com/elastic/go-seccomp-bpf":      {"sandbox/bwrap", "sandbox/guest"},
	"github.com/spf13/cobra":                 {"cmd/honk"},
	"github.com/caarlos0/env":                {"internal/config"},
	"github.com/danielgtaylor/huma":          {"internal/web"},
	"html/template":                          {"internal/web"},
	"github.com/stretchr/testify":            {},
}

// testOnly are libraries for tests, which never get into a user's binary.
var testOnly = []string{
	"honk/internal/llm/modeltest",
	"honk/internal/postgres/pgtest",
	"honk/sandbox/sandboxtest",
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal/testscript",
	"testing",
}

// testLibraries may import what is testOnly.
var testLibraries = []string{
	"internal/llm/llmtest", "internal/llm/modeltest", "internal/postgres/pgtest", "sandbox/sandboxtest",
}

// The sizes. A file is best at 80 to 200 lines; these are where it fails.
const (
	maxFile      = 600
	maxTestFile  = 1000
	maxPackage   = 1500
	maxFunc      = 60
	maxLoopFunc  = 90
	maxParameter = 5
)

// small are files that only connect others.
var small = map[string]int{"cmd/honk/main.go": 40, "cmd/honk/wire.go": 250}

// linked are the variables that the linker sets (-X).
var linked = []string{"cmd/honk.version"}

// loops are the packages whose functions may reach maxLoopFunc.
var loops = []string{"agent", "internal/runner"}
