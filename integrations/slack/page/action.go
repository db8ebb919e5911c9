package page

import (
	"crypto/sha256"
	"encoding/hex"

	"honk/internal/task"
)

// The action IDs of what can be clicked. The value is the task's ID unless
// said otherwise.
const (
	ActionStop    = "honk.stop"
	ActionDetails = "honk.details"
	// ActionRepository asks for a form to choose another repository.
	ActionRepository = "honk.repository"
	// ActionPullRequest and ActionLink only follow an address.
	ActionPullRequest = "honk.pull_request"
	ActionLink        = "honk.link"
	ActionGood        = "honk.good"
	ActionBad         = "honk.bad"
	ActionRetry       = "honk.retry"
	// ActionUse takes the repository that is proposed. The value is the
	// question's key, a space and owner/name.
	ActionUse = "honk.use"
	// ActionChoose is the menu of a question: the block is its QuestionBlock,
	// an option's value owner/name.
	ActionChoose = "honk.choose"
)

// The callback IDs of forms, and of the shortcut of a message.
const (
	// CallbackRepository chooses another repository; the private metadata is
	// the task's ID.
	CallbackRepository = "honk.repository"
	// CallbackAsk asks for something; the private metadata is the channel, the
	// message's ts and when it was chosen, with spaces between. The shortcut has
	// the same name.
	CallbackAsk     = "honk.ask"
	CallbackDetails = "honk.details"
)

// The action IDs of what is filled in in forms.
const (
	InputPrompt     = "honk.prompt"
	InputRepository = "honk.repository_choice"
)

// TaskBlock is the ID of the first block of a task's message, by which it is
// found again.
func TaskBlock(id task.ID) string { return name("honk:task:", string(id)) }

// ReplyBlock is the ID of the first block of another message. The same key
// makes the same ID.
func ReplyBlock(key string) string { return name("honk:reply:", key) }

// QuestionBlock is the ID of the block of a question's menu.
func QuestionBlock(key string) string { return name("honk:question:", key) }

// maxName is how long a block's ID may be.
const maxName = 255

// name is an ID of a block, with the hash of what has no room in it.
func name(prefix, key string) string {
	if len(prefix)+len(key) <= maxName {
		return prefix + key
	}
	sum := sha256.Sum256([]byte(key))
	return prefix + hex.EncodeToString(sum[:])
}
