package grammar

import (
	"regexp"
	"slices"
	"strings"

	"honk/internal/nearest"
	"honk/internal/task"
)

// option is a word name:value that stands before the prompt.
type option struct {
	name string
	// form is the value as the help shows it.
	form string
	help string
	// choices are all the values there are; empty means that ok decides.
	choices []string
	ok      func(value string) bool
	set     func(cmd *Command, value string)
	// repo says that Rules.Repo allows the option.
	repo bool
}

// options are the options in the order of the help.
var options = []option{
	{
		name: "base", form: "BRANCH", help: "branch to start from; else the default branch, on a pull request its own",
		ok: validBranch, set: func(c *Command, v string) { c.Base = v },
	},
	{
		name: "model", form: "NAME", help: "one of the organisation's models",
		ok: modelPattern.MatchString, set: func(c *Command, v string) { c.Options.Model = v },
	},
	{
		name: "judge", help: "what the judge may do; never less than the organisation asks",
		choices: []string{"off", "advise", "veto"}, set: func(c *Command, v string) { c.Options.Judge = v },
	},
	{
		name: "pr", help: "kind of pull request, draft unless said; none is the branch alone",
		choices: []string{"draft", "ready", "none"}, set: func(c *Command, v string) { c.Options.PullRequest = v },
	},
	{
		name: "repo", form: "OWNER/NAME", help: "repository to work on", repo: true,
		ok: validRepo, set: func(c *Command, v string) { c.Repo = v },
	},
}

var (
	branchPattern = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9/_.#+,@-]{0,249}$`)
	modelPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,127}$`)
	repoPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$`)
	namePattern   = regexp.MustCompile(`^[A-Za-z]{1,12}$`)
)

// plainWords are near an option's name, yet people begin sentences with them:
// "node:20 is old".
var plainWords = []string{"bash", "case", "code", "mode", "module", "node", "repro"}

// usage is the option as it should be written.
func (o option) usage() string {
	if len(o.choices) > 0 {
		return o.name + ":" + strings.Join(o.choices, "|")
	}
	return o.name + ":" + o.form
}

// accepts reports whether value is one the option can have.
func (o option) accepts(value string) bool {
	if len(o.choices) > 0 {
		return slices.Contains(o.choices, value)
	}
	return o.ok(value)
}

// near reports whether name may be a slip of the pen for o. Two letters are
// close to too many words, so there the value has to fit as well.
func (o option) near(name, value string) bool {
	if value == "" || slices.Contains(plainWords, name) {
		return false
	}
	limit := 1
	if len(o.name) > 4 {
		limit = 2
	}
	d := nearest.Distance(name, o.name)
	return len(o.name) > 2 && d <= limit || d <= 2 && slices.Contains(o.choices, value)
}

// lookup takes a word for an option: the option itself, or the one that was
// probably meant. It returns false for a word of the prompt.
func lookup(word string, rules Rules) (o option, value string, exact, ok bool) {
	name, value, found := strings.Cut(word, ":")
	if !found || !namePattern.MatchString(name) || strings.HasPrefix(value, "//") {
		return option{}, "", false, false
	}
	name = strings.ToLower(name)
	for _, o := range options {
		if name == o.name {
			if len(o.choices) > 0 {
				value = strings.ToLower(value)
			}
			return o, value, true, true
		}
	}
	for _, o := range options {
		if (rules.Repo || !o.repo) && o.near(name, strings.ToLower(value)) {
			return o, value, false, true
		}
	}
	return option{}, "", false, false
}

// apply sets the options of words, each of which lookup knows.
func apply(cmd *Command, words []string, rules Rules) error {
	seen := map[string]bool{}
	for _, word := range words {
		o, value, exact, _ := lookup(word, rules)
		switch {
		case !exact:
			return task.Errorf(task.CodeInvalid,
				"%s is no option; write %s, or begin the request with another word", show(word), o.usage())
		case o.repo && !rules.Repo:
			return task.Errorf(task.CodeInvalid,
				"%s does not go here, where the repository is known; leave it out", show(word))
		case value == "":
			return task.Errorf(task.CodeInvalid, "%s has no value; write %s without a space",
				show(word), o.usage())
		case !o.accepts(value):
			return task.Errorf(task.CodeInvalid, "%s cannot be used; write %s", show(word), o.usage())
		case seen[o.name]:
			return task.Errorf(task.CodeInvalid, "%s: is given twice; keep one", o.name)
		}
		seen[o.name] = true
		o.set(cmd, value)
	}
	return nil
}

// validBranch holds the rule for names that become an argument of git.
func validBranch(name string) bool {
	if !branchPattern.MatchString(name) || name == "@" || strings.Contains(name, "..") || strings.Contains(name, "@{") ||
		strings.HasSuffix(name, ".") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

func validRepo(name string) bool {
	_, repo, _ := strings.Cut(name, "/")
	return repoPattern.MatchString(name) && repo != "." && repo != ".."
}
