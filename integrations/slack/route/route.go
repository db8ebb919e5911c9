// Package route finds the repository that a request is about: by what the
// message says, what its thread is about, what its channel is for, what its
// words point at, or because there is only one. It never guesses; a model may
// propose.
package route

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"honk/integrations/slack/mrkdwn"
	"honk/internal/config"
	"honk/internal/task"
)

// Found is the repository that a request is about, and why. Without a reason
// none was found; Unknown names one that was meant and is not Honk's.
type Found struct {
	Repo    task.Repo
	Reason  string
	Unknown string
}

// Clues are what there is to go by.
type Clues struct {
	// Named is the repository that the request names as an option.
	Named string
	// Thread is the repository of the thread's latest task.
	Thread task.Repo
	// Prompt is the request, Said what was said in its thread.
	Prompt, Said string
	// Channel is the repository of the channel.
	Channel string
	// Rules are the operator's.
	Rules config.SlackRules
	// Host is that of links to repositories.
	Host string
}

// Find finds the repository among those that Honk works in.
func Find(in Catalogue, c Clues) Found {
	if c.Named != "" {
		return in.Named(c.Named, "you named it")
	}
	if c.Thread != (task.Repo{}) {
		return Found{Repo: c.Thread, Reason: "this thread is about it"}
	}
	if r := in.mentioned(c.Prompt, c.Host); r != "" {
		return in.Named(r, "your message names it")
	}
	if r := in.mentioned(c.Said, c.Host); r != "" {
		return in.Named(r, "this thread names it")
	}
	if c.Channel != "" {
		return in.Named(c.Channel, "it is this channel's repository")
	}
	if r, word := pointed(c.Prompt, c.Rules); r != "" {
		return in.Named(r, "your message says “"+word+"”")
	}
	if active := in.Active(); len(active) == 1 {
		return Found{Repo: active[0].Repo, Reason: "it is the only repository here"}
	}
	return Found{}
}

// Catalogue are the repositories that Honk works in.
type Catalogue []task.Listing

// Named finds a repository by owner/name.
func (in Catalogue) Named(name, reason string) Found {
	for _, l := range in {
		if strings.EqualFold(l.String(), name) {
			return Found{Repo: l.Repo, Reason: reason}
		}
	}
	return Found{Unknown: name}
}

// Active are those that take changes.
func (in Catalogue) Active() Catalogue {
	return slices.DeleteFunc(slices.Clone(in), func(l task.Listing) bool { return l.Archived })
}

// fullName is what may be owner/name in a text.
var fullName = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+`)

// mentioned returns the one repository that a text names, by its name or by a
// link, "" when it names none, or several.
func (in Catalogue) mentioned(text, host string) string {
	names := map[string]bool{}
	for _, l := range mrkdwn.Links(text, host) {
		names[strings.ToLower(l.Repo)] = true
	}
	for _, word := range fullName.FindAllString(text, -1) {
		names[strings.ToLower(strings.TrimRight(word, "."))] = true
	}
	one := ""
	for _, l := range in {
		if !names[strings.ToLower(l.String())] {
			continue
		}
		if one != "" {
			return ""
		}
		one = l.String()
	}
	return one
}

// pointed returns the repository that an alias or a keyword of the operator's
// points at, and that word. Aliases of several say nothing.
func pointed(text string, rules config.SlackRules) (repo, word string) {
	has := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), notWord) {
		has[strings.Trim(w, ".-_")] = true
	}
	meant := map[string]string{}
	for _, alias := range slices.Sorted(maps.Keys(rules.Aliases)) {
		if has[strings.ToLower(alias)] {
			meant[rules.Aliases[alias]] = alias
		}
	}
	if len(meant) == 1 {
		for r, alias := range meant {
			return r, alias
		}
	}
	for _, k := range rules.Keywords {
		for _, w := range k.Words {
			if has[strings.ToLower(w)] {
				return k.Repository, w
			}
		}
	}
	return "", ""
}

// notWord reports whether a rune ends a word. Words of other scripts are words.
func notWord(r rune) bool {
	return !(r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127)
}

// Closest are the active ones, those first that have most in common with a
// text. Those alike stay in their order.
func (in Catalogue) Closest(text string) Catalogue {
	active := in.Active()
	text = strings.ToLower(text)
	rank := map[string]int{}
	for _, l := range active {
		rank[l.String()] = closeness(l, text)
	}
	slices.SortStableFunc(active, func(a, b task.Listing) int {
		return cmp.Compare(rank[b.String()], rank[a.String()])
	})
	return active
}

func closeness(l task.Listing, text string) (n int) {
	if strings.Contains(text, strings.ToLower(l.Name)) {
		n += 10
	}
	for _, w := range strings.FieldsFunc(strings.ToLower(l.Name+" "+l.Description+" "+strings.Join(l.Topics, " ")), notWord) {
		if len(w) > 3 && strings.Contains(text, w) {
			n++
		}
	}
	return n
}

// atOnce is how many repositories are asked about at the same time.
const atOnce = 8

// Which are those among the first most of which okFunc says so. It is asked for
// several at once: a form has to be there within three seconds of the click.
func (in Catalogue) Which(ctx context.Context, most int, okFunc func(context.Context, task.Repo) (bool, error)) (out Catalogue, err error) {
	in = in[:min(len(in), most)]
	yes, errs := make([]bool, len(in)), make([]error, len(in))
	room := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, l := range in {
		room <- struct{}{}
		all.Go(func() {
			yes[i], errs[i] = okFunc(ctx, l.Repo)
			<-room
		})
	}
	all.Wait()
	for i, l := range in {
		if yes[i] {
			out = append(out, l)
		}
	}
	return out, errors.Join(errs...)
}

// Names are their full names.
func (in Catalogue) Names() []string {
	var names []string
	for _, l := range in {
		names = append(names, l.String())
	}
	return names
}
