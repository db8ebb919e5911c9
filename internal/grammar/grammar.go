// Package grammar is what people say to Honk: it finds the command in a
// comment and takes it apart. Everything here is a pure function over text.
package grammar

import "honk/internal/task"

// MaxPrompt is the size of the longest request, in bytes: the 40,000 characters
// that a message in Slack may have, in any script.
const MaxPrompt = 160 << 10

// Verb is what a command asks for.
type Verb string

// The verbs. VerbTask has no keyword: it is what remains.
const (
	VerbTask   Verb = "task"
	VerbRetry  Verb = "retry"
	VerbCancel Verb = "cancel"
	VerbStatus Verb = "status"
	VerbHelp   Verb = "help"
)

// Rules are what differs between the places where people speak to Honk.
type Rules struct {
	// Repo allows the option repo:, for places that are in no repository.
	Repo bool
	// Models are the names that model: may choose, Judges the modes that
	// judge: may, the mildest first. Allow looks at them.
	Models, Judges []string
}

// Command is a command taken apart. Fields that were not given are empty.
type Command struct {
	Verb Verb
	// Prompt is the request of VerbTask, never empty there.
	Prompt string
	// Repo is owner/name.
	Repo string
	// Base is the branch to start from; its form is checked, not that it
	// exists.
	Base    string
	Options task.Options
}

// keyword is a verb that is written out.
type keyword struct {
	verb    Verb
	options bool
	help    string
}

// keywords are the written verbs in the order of the help.
var keywords = []keyword{
	{verb: VerbRetry, options: true, help: "the last task again, same request, fresh base"},
	{verb: VerbCancel, help: "stop, keep the patch; on an idle pull request: end automatic follow-ups"},
	{verb: VerbStatus, help: "what runs here, its step, cost and place in the queue"},
	{verb: VerbHelp, help: "this list"},
}
