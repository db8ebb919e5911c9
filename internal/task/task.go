// Package task holds the domain of Honk: what is asked, what became of it,
// and the facts recorded on the way. It imports the standard library only, so
// that every other package can speak its words.
package task

import (
	"cmp"
	"time"
)

// ID names a task. It sorts by creation time and holds only upper-case
// Crockford base32 letters and digits, so it is safe in branch and file names.
type ID string

// Source says through which door a request came.
type Source string

// The doors of the house.
const (
	SourceCLI    Source = "cli"
	SourceGitHub Source = "github"
	SourceSlack  Source = "slack"
	SourceShift  Source = "shift"
	SourceAPI    Source = "api"
)

// Actor is who asked: the one whose rights count.
type Actor struct {
	// Login is the account name at the forge, whatever the source; for the
	// command line it is the local user.
	Login string `json:"login"`
	// Name and Email are used for the Co-authored-by trailer when known.
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// Options are what the asker chose beside the prompt. An empty field means
// what is configured.
type Options struct {
	// Model is one of the organisation's models.
	Model string `json:"model,omitempty"`
	// Judge is veto, advise or off.
	Judge string `json:"judge,omitempty"`
	// PullRequest is draft, ready, or none for the branch alone.
	PullRequest string `json:"pull_request,omitempty"`
}

// Over returns o with what it leaves open taken from base.
func (o Options) Over(base Options) Options {
	return Options{
		Model: cmp.Or(o.Model, base.Model), Judge: cmp.Or(o.Judge, base.Judge),
		PullRequest: cmp.Or(o.PullRequest, base.PullRequest),
	}
}

// Cause says what made Honk start a task by itself.
type Cause string

// The causes. Empty means that a person asked.
const (
	CauseReview Cause = "review"
	CauseChecks Cause = "checks"
)

// Origin links a task to what caused it beyond a person's request.
type Origin struct {
	// URL is where the conversation can be read, empty when nowhere.
	URL string `json:"url,omitempty"`
	// Thread is the conversation in which the task is answered, in the form
	// of its source: for GitHub the number of the issue or pull request.
	Thread string `json:"thread,omitempty"`
	// Message is the message that asked, in the form of its source.
	Message string `json:"message,omitempty"`
	// Asker is who asked, in the form of the source, where that is not the
	// forge: a Slack user.
	Asker string `json:"asker,omitempty"`
	// Reason says why it is this repository, where the request named none.
	Reason string `json:"reason,omitempty"`
	// Answers are further messages that get one answer each at the end.
	Answers []string `json:"answers,omitempty"`
	Cause   Cause    `json:"cause,omitempty"`
	// Shift and Row name the fleet shift and its row, if any.
	Shift string `json:"shift,omitempty"`
	Row   string `json:"row,omitempty"`
}

// Note is one message of the conversation around a request. It is a record
// for the model to read, never an instruction to it.
type Note struct {
	Author string    `json:"author"`
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
}

// Request is what somebody asks for.
type Request struct {
	Source Source `json:"source"`
	// DeliveryID is unique within Source; the same delivery is one task.
	DeliveryID string `json:"delivery_id"`
	Repo       Repo   `json:"repo"`
	// Ref is the branch, tag or commit to start from; empty means the
	// repository's default (its HEAD).
	Ref string `json:"ref,omitempty"`
	// Prompt is the request, verbatim.
	Prompt  string  `json:"prompt"`
	Context []Note  `json:"context,omitempty"`
	Images  []Image `json:"images,omitempty"` // at most MaxImages
	Actor   Actor   `json:"actor"`
	Origin  Origin  `json:"origin,omitzero"`
	Options Options `json:"options,omitzero"`
	// Branch is an existing branch that the change goes on top of; Ref is
	// then that branch. Empty means a new one.
	Branch string `json:"branch,omitempty"`
	// Resume is an earlier task whose kept patch the agent starts from.
	Resume ID `json:"resume,omitempty"`
}

// Again returns the request of t once more, asked for by actor in a new
// delivery. A task that ran out of budget or was cancelled goes on from the
// patch that it left.
func (t Task) Again(actor Actor, deliveryID string) Request {
	req := t.Request
	req.Actor, req.DeliveryID, req.Resume = actor, deliveryID, ""
	if t.Status == StatusBudgetExhausted || t.Status == StatusCancelled {
		req.Resume = t.ID
	}
	return req
}

// Task is an accepted request.
type Task struct {
	ID        ID        `json:"id"`
	Request   Request   `json:"request"`
	Status    Status    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
	// Attempt counts the workers that took the task on, from 1; 0 is none.
	// What an earlier attempt still sends is refused.
	Attempt int `json:"attempt,omitempty"`
}
