package manifest

// Targets says which repositories a shift is for: the union of its sources
// minus what is excluded.
type Targets struct {
	Repos         []string       `yaml:"repos" pattern:"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+" form:"a repository as owner/name" doc:"Repositories by name."`
	GitHub        []GitHub       `yaml:"github" doc:"Repositories of an organisation, or those that a search finds."`
	File          string         `yaml:"file" doc:"CSV file with the columns repo and, if wanted, unit; others become .row."`
	Catalog       map[string]any `yaml:"catalog" doc:"Predicate over the entities of a software catalog."`
	Exclude       Exclude        `yaml:"exclude" doc:"What is left out."`
	Preconditions []Precondition `yaml:"preconditions" max:"20" doc:"What must hold in a repository before anything is spent on it."`
	Unit          *Unit          `yaml:"unit" doc:"Parts of a repository that are targets of their own."`
	Limit         int            `yaml:"limit" default:"500" min:"1" max:"20000" doc:"With more targets the plan fails."`

	// Data is what File holds.
	Data []byte `yaml:"-"`
}

// GitHub is a source of targets.
type GitHub struct {
	Org      string   `yaml:"org" pattern:"[A-Za-z0-9-]+" form:"the name of an organisation" doc:"All repositories of an organisation."`
	Topics   []string `yaml:"topics" doc:"Only repositories that have all these topics."`
	Archived *bool    `yaml:"archived" doc:"Archived repositories: they cannot be changed and are left out."`
	Search   string   `yaml:"search" doc:"Repositories that GitHub's search finds."`
}

// Exclude says what is left out of the targets.
type Exclude struct {
	Repos []string `yaml:"repos" doc:"Globs of owner/name."`
}

// Precondition is a test of a repository: exactly one of its kinds.
type Precondition struct {
	Exists  string   `yaml:"exists" doc:"A path that must exist."`
	File    string   `yaml:"file" doc:"A file whose text must match."`
	Matches string   `yaml:"matches" doc:"Regular expression for the file's text; ^ and $ are the ends of a line."`
	Run     []string `yaml:"run" doc:"A command that must end with 0 in the sandbox."`
}

// The ways to publish what changes in the units of a repository.
const (
	UnitsOne  = "one"
	UnitsEach = "each"
)

// Unit divides a repository.
type Unit struct {
	RootAt       string `yaml:"rootAt" req:"true" doc:"Glob; each file it matches is the root of a unit."`
	PullRequests string `yaml:"pullRequests" default:"one" enum:"one|each" doc:"One pull request for the repository, or one for each unit."`
}
