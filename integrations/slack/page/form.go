package page

import (
	"strings"

	"github.com/slack-go/slack"

	"honk/internal/runner/fact"
	"honk/internal/task"
)

// ChangeRepository is the form that chooses another repository for a task.
func (p *Pages) ChangeRepository(id task.ID, repos []string) slack.ModalViewRequest {
	b := p.words().board("")
	m, left := menu(InputRepository, repos, "")
	if m == nil {
		b.section("There is no other repository that I work in and you may write to.")
		return withData(modal(CallbackRepository, "Wrong repository", b), string(id))
	}
	b.section("I stop what I do for this request and begin anew in another repository.")
	b.input("Repository", leftOut(left), false, m)
	return submitted(withData(modal(CallbackRepository, "Wrong repository", b), string(id)), "Begin anew")
}

// AskForm is what the form about a message is made of.
type AskForm struct {
	// Channel and TS name the message, Text is what it says, and At is when it
	// was chosen.
	Channel, TS, At, Text string
	// Repos are those to choose from, Repo the one that is chosen already.
	Repos []string
	Repo  string
}

// Ask is the form that makes a request of a message. The text is there to be
// changed.
func (p *Pages) Ask(f AskForm) slack.ModalViewRequest {
	w := p.words()
	b := w.board("")
	prompt := slack.NewPlainTextInputBlockElement(plainText("What should change?", 150), InputPrompt)
	prompt.Multiline, prompt.MaxLength = true, maxText
	prompt.InitialValue = cut(w.scrub.Clean(f.Text), maxText)
	b.input("Request", "What was said in the thread is read as well.", false, prompt)
	if m, left := menu(InputRepository, f.Repos, f.Repo); m != nil {
		hint := "Without one I find out by myself, or ask."
		if left > 0 {
			hint += " " + leftOut(left)
		}
		b.input("Repository", hint, true, m)
	}
	return submitted(withData(modal(CallbackAsk, "Ask Honk", b), strings.TrimSpace(f.Channel+" "+f.TS+" "+f.At)), "Ask")
}

// leftOut says what to do about repositories that have no room in a menu.
func leftOut(left int) string {
	if left == 0 {
		return ""
	}
	return fact.Thousands(left) + " more have no room here; name one with repo:owner/name in your request."
}

// input adds something to fill in.
func (b *board) input(label, hint string, optional bool, element slack.BlockElement) {
	var below *slack.TextBlockObject
	if hint != "" {
		below = plainText(hint, 500)
	}
	in := slack.NewInputBlock("", plainText(label, maxLabel), below, element)
	in.Optional = optional
	b.blocks = append(b.blocks, in)
}

func withData(view slack.ModalViewRequest, data string) slack.ModalViewRequest {
	view.PrivateMetadata = cut(data, maxText)
	return view
}

func submitted(view slack.ModalViewRequest, label string) slack.ModalViewRequest {
	view.Submit = plainText(label, maxTitle)
	view.Close = plainText("Cancel", maxTitle)
	return view
}
