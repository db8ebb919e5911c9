package page

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"honk/integrations/slack/client"
	"honk/internal/runner/fact"
)

// Question asks which repository a request is about.
type Question struct {
	Key string
	// Asker is the ID of the user who asked.
	Asker string
	// Prompt is the request.
	Prompt string
	// Guess is the repository that is proposed and Reason says why; "" is no
	// proposal.
	Guess, Reason string
	// Repos are those to choose from, and More counts those left out.
	Repos []string
	More  int
	// Wait is how long an answer is waited for, by default an hour.
	Wait time.Duration
}

// board begins the question's message, which has the same first block however
// it ends.
func (q Question) board(w *words) *board { return w.board(ReplyBlock("question/" + q.Key)) }

// span is how long the question waits, in words.
func (q Question) span() mrk {
	switch d := q.Wait; {
	case d <= 0, d == time.Hour:
		return "an hour"
	case d%time.Hour == 0:
		return mrk(fact.Count(int(d/time.Hour), "hour"))
	default:
		return mrk(fact.Count(max(int(d/time.Minute), 1), "minute"))
	}
}

// Question is a question with what answers it.
func (p *Pages) Question(q Question) client.Message {
	w := p.words()
	b := q.board(w)
	ask, use := w.proposal(q)
	b.section(join(" ", mention(q.Asker), ask), w.quote(q.Prompt))
	m, left := menu(ActionChoose, q.Repos, "")
	if m == nil {
		b.actions(QuestionBlock(q.Key), use)
	} else {
		b.actions(QuestionBlock(q.Key), use, m)
	}
	var first mrk
	if left += max(q.More, 0); m != nil && left > 0 {
		shown := len(m.Options)
		first = mrk(fmt.Sprintf("The menu has the first %d of %s repositories. ", shown, fact.Thousands(shown+left)))
	}
	b.small(first + "I wait " + q.span() + ". `repo:owner/name` in a message to me does the same.")
	return b.message(ask)
}

// proposal is what is asked, and a button that takes the guess, if there is
// one.
func (w *words) proposal(q Question) (ask mrk, use slack.BlockElement) {
	value := q.Key + " " + q.Guess
	if len(q.Guess) > maxOption || len(value) > maxValue || !fullName.MatchString(q.Guess) {
		return "Which repository is this about?", nil
	}
	ask = join(": ", "I think this is "+bold(w.line(q.Guess, 150)), w.line(q.Reason, 300))
	take := slack.NewButtonBlockElement(ActionUse, value, plainText("Use "+q.Guess, maxLabel))
	return ask, take.WithStyle(slack.StylePrimary)
}

// Chosen stands in the place of a question that was answered by a user.
func (p *Pages) Chosen(q Question, repo, by string) client.Message {
	w := p.words()
	b := q.board(w)
	line := bold(w.line(repo, 150)) + ", chosen"
	whole := line
	if m := mention(by); m != "" {
		whole += " by " + m
	}
	b.section(whole+".", w.quote(q.Prompt))
	return b.message(line + ".")
}

// Withdrawn stands in the place of a question that nobody has answered, or that
// somebody has cancelled; by is "" without one.
func (p *Pages) Withdrawn(q Question, by string) client.Message {
	w := p.words()
	b := q.board(w)
	line := "Nobody chose a repository within " + q.span() + ", so nothing was done. Mention me again with `repo:owner/name`."
	if by != "" {
		line = "Cancelled by " + w.line(by, 80) + ", before anything was done."
	}
	b.section(line)
	return b.message(line)
}
