package gitops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/internal/task"
)

// maxPlans is how many manifests of a pull request are planned.
const maxPlans = 20

// proposal is a pull request that changes manifests.
type proposal struct {
	d       *Door
	talk    *client.Repo
	pull    client.PullRequest
	changed []string
	files   *snapshot
	docs    []*document
	// removed are the shifts whose manifests it removes, by path.
	removed []removed
	// wrong is why nothing of it can be planned.
	wrong error
}

type removed struct{ path, shift string }

// propose says on a pull request what merging it would apply.
func (d *Door) propose(ctx context.Context, e event.Event) (string, error) {
	start := time.Now()
	at, err := d.branch(ctx)
	if err != nil {
		return "", err
	}
	p := &proposal{d: d, talk: at.talk}
	if p.pull, err = at.talk.PullRequest(ctx, e.Subject.Number); err != nil {
		return "", err
	}
	if p.pull.State != task.PullRequestOpen || p.pull.Base != at.branch {
		return "nothing to plan", nil
	}
	if no, err := p.strange(ctx, e.Sender.Login); no || err != nil {
		return "refused: no write access", err
	}
	p.changed, err = at.talk.Changed(ctx, p.pull.Number)
	if _, ok := mendable(err); err != nil && ok {
		p.wrong = err
	} else if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(p.changed, d.watched) {
		p.changed = nil
	}
	said, found, err := d.find(ctx, at.talk, p.pull.Number, markPlan)
	switch {
	case err != nil:
		return "", err
	case found && strings.HasPrefix(said.Body, p.mark()):
		return "said before", nil
	case len(p.changed) == 0 && p.wrong == nil && !found:
		return "no manifest is changed", nil
	}
	if err := p.look(ctx); err != nil {
		return "", err
	}
	if p.wrong == nil && len(p.docs) == 0 && len(p.removed) == 0 && !found {
		return "no manifest is changed", nil
	}
	body, err := p.text(ctx, start)
	if err != nil {
		return "", err
	}
	return p.say(ctx, body)
}

// strange reports whether who asks may not be told: its author or, where its
// head is in another repository, who has pushed there.
func (p *proposal) strange(ctx context.Context, sender string) (bool, error) {
	who := []string{p.pull.Author.Login}
	if !strings.EqualFold(p.pull.HeadRepo, p.d.Repo) {
		who = append(who, sender)
	}
	for _, login := range who {
		permission, err := p.talk.Permission(ctx, login)
		if err != nil || !client.CanWrite(permission) {
			return true, err
		}
	}
	return false, nil
}

// mark begins the comment: the same head and the same changes have the same.
func (p *proposal) mark() string {
	sum := sha256.New()
	fmt.Fprint(sum, p.pull.SHA)
	for _, name := range p.changed {
		fmt.Fprint(sum, "\x00", name)
	}
	return markPlan + "\n<!-- " + hex.EncodeToString(sum.Sum(nil)[:16]) + " -->\n"
}

// look reads the manifests that the pull request changes.
func (p *proposal) look(ctx context.Context) (err error) {
	if p.wrong != nil {
		return nil //nolint:nilerr // it is told
	}
	p.files, err = p.d.at(ctx, p.talk, p.pull.SHA)
	if _, ok := mendable(err); err != nil && ok {
		p.wrong = err
		return nil
	}
	if err != nil {
		return err
	}
	paths := p.paths()
	if len(paths) > maxManifests {
		p.wrong = task.Errorf(task.CodeInvalid, "it has %d YAML files where it changes something, and %d are looked at; split it, or move what is no manifest",
			len(paths), maxManifests)
		return nil
	}
	for _, name := range paths {
		doc, err := p.files.read(ctx, name)
		if _, ok := mendable(err); err != nil && ok {
			p.wrong = err
			return nil
		}
		if err != nil {
			return err
		}
		if doc != nil && touches(p.changed, doc.Name, doc.names) {
			p.docs = append(p.docs, doc)
		}
	}
	return p.gone(ctx)
}

// paths are the files that may be manifests and that the pull request changes,
// or that may name what it changes.
func (p *proposal) paths() (list []string) {
	near := map[string]bool{}
	for _, name := range p.changed {
		dir := path.Dir(name)
		for range maxDepth + 1 {
			near[dir] = true
			dir = path.Dir(dir)
		}
	}
	for _, name := range p.files.candidates() {
		if near[path.Dir(name)] {
			list = append(list, name)
		}
	}
	return list
}

// touches reports whether a manifest or a file it names is among those that
// are changed.
func touches(changed []string, name string, names []string) bool {
	return slices.ContainsFunc(changed, func(c string) bool { return c == name || slices.Contains(names, c) })
}

// gone finds the shifts whose manifests the pull request removes.
func (p *proposal) gone(ctx context.Context) error {
	base := &snapshot{talk: p.talk, sha: p.pull.BaseSHA, left: maxBytes}
	looked := 0
	for _, name := range p.changed {
		if _, here := p.files.files[name]; here || !candidate(name) || !p.d.watched(name) {
			continue
		}
		if looked++; looked > maxPlans {
			return nil
		}
		doc, err := base.read(ctx, name)
		if _, ok := mendable(err); err != nil && !ok {
			return err
		}
		if doc == nil || doc.name == "" || slices.ContainsFunc(p.docs, func(d *document) bool { return d.name == doc.name }) {
			continue
		}
		p.removed = append(p.removed, removed{name, doc.name})
	}
	return nil
}

// other is another manifest of the same shift, as far as is known.
func (p *proposal) other(doc *document) string {
	if doc.name == "" {
		return ""
	}
	for _, one := range p.docs {
		if one.name == doc.name && one.Name != doc.Name {
			return one.Name
		}
	}
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	for name, k := range p.d.known {
		_, here := p.files.files[name]
		if k.shift == doc.name && name != doc.Name && here && !slices.Contains(p.changed, name) {
			return name
		}
	}
	return ""
}

// text plans what is changed and writes the comment.
func (p *proposal) text(ctx context.Context, start time.Time) (string, error) {
	w := p.d.writer()
	if said, _ := mendable(p.wrong); p.wrong != nil {
		w.problem(problem{said: said})
	}
	for i, doc := range p.docs {
		if i == maxPlans || time.Since(start) > planTime {
			w.left(len(p.docs) - i)
			break
		}
		var planned Planned
		var err error
		if other := p.other(doc); other != "" {
			err = twice(doc, other)
		} else {
			planned, err = p.d.plan(ctx, doc, start)
		}
		said, ok := mendable(err)
		switch {
		case err == nil:
			w.plan(doc, planned)
		case ok:
			w.problem(problem{path: doc.Name, said: said})
		default:
			return "", err
		}
	}
	for _, r := range p.removed {
		w.removed(r)
	}
	return p.mark() + w.proposed(p.pull.SHA), nil
}

// say brings the comment up to date, unless the pull request has gone on: then
// somebody else does.
func (p *proposal) say(ctx context.Context, body string) (did string, err error) {
	did = "planned"
	err = p.d.locked(ctx, fmt.Sprint("pull/", p.pull.Number), func(ctx context.Context) error {
		now, err := p.talk.PullRequest(ctx, p.pull.Number)
		if err != nil {
			return err
		}
		if now.SHA != p.pull.SHA || now.State != task.PullRequestOpen {
			did = "it has gone on"
			return nil
		}
		return p.d.post(ctx, p.talk, p.pull.Number, markPlan, body)
	})
	return did, err
}
