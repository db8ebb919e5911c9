package record

import (
	"cmp"
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/integrations/slack/mrkdwn"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// links adds what the links of a message show: of the forge what the asker may
// read, of Slack what everybody may who reads the answer.
func (g *reading) links(ctx context.Context) error {
	links := mrkdwn.Links(g.prompt, g.Host)
	for _, l := range links[:min(len(links), maxLinks)] {
		if l.Kind == mrkdwn.LinkRepo {
			continue
		}
		text, err := g.show(ctx, l)
		if err != nil {
			err = g.kept("What "+l.URL+" leads to", err)
		} else {
			g.remark("What " + l.URL + " leads to:\n" + fact.Clip(text, maxLinked))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *reading) show(ctx context.Context, l mrkdwn.Link) (string, error) {
	if l.Kind == mrkdwn.LinkMessage {
		return g.message(ctx, l)
	}
	repo, err := g.FindFunc(ctx, l.Repo)
	if err != nil {
		return "", err
	}
	if l.Kind != mrkdwn.LinkFile {
		return g.Forge.Subject(ctx, repo, l.Number)
	}
	text, found, err := g.Forge.File(ctx, repo, l.Ref, l.Path)
	if err == nil && !found {
		err = task.Errorf(task.CodeNotFound, "there is no such file")
	}
	return lines(text, l.From, l.To), err
}

// lines are those of a text that a link points at, or all.
func lines(text string, from, to int) string {
	if from < 1 {
		return text
	}
	all := strings.Split(text, "\n")
	return strings.Join(all[min(from-1, len(all)):min(max(to, from), len(all))], "\n")
}

// message reads a thread that a message links to, where everybody who reads
// the answer may read it as well: in this channel, or in a public one.
func (g *reading) message(ctx context.Context, l mrkdwn.Link) (string, error) {
	if l.Channel != g.e.Channel {
		c, err := g.Slack.Channel(ctx, l.Channel)
		if err != nil {
			return "", err
		}
		if c.Private || c.External || c.DirectMessage {
			return "", task.Errorf(task.CodeNotFound, "it is not in a public channel")
		}
	}
	at := client.Place{Channel: l.Channel, Thread: cmp.Or(l.ThreadTS, l.TS)}
	said, err := g.Slack.Replies(ctx, at, g.until, maxSaid)
	if err != nil {
		return "", err
	}
	names := g.Names(ctx, g.e.Channel)
	var b strings.Builder
	for _, s := range said {
		author, ok, err := g.author(ctx, s)
		if err != nil {
			return "", err
		}
		if ok {
			fmt.Fprintf(&b, "%s at %s: %s\n", author, when(s.At()), g.text(s, names))
		}
	}
	return b.String(), nil
}

// files adds what is attached: texts as notes, images for a model that takes
// them.
func (g *reading) files(ctx context.Context) error {
	for _, f := range g.e.Files[:min(len(g.e.Files), maxFiles)] {
		if err := g.attach(ctx, f); err != nil {
			if err := g.kept("The file "+f.Name, err); err != nil {
				return err
			}
		}
	}
	if left := len(g.e.Files) - maxFiles; left > 0 {
		g.remark(fmt.Sprintf("%d more files are attached and were not read.", left))
	}
	return nil
}

func (g *reading) attach(ctx context.Context, f event.File) error {
	kind, _, _ := mime.ParseMediaType(f.Mimetype)
	image := strings.HasPrefix(kind, "image/")
	most := int64(maxFile)
	if image {
		most = task.MaxImage
	}
	switch {
	case image && len(g.Images) == task.MaxImages:
		return task.Errorf(task.CodeInvalid, "there are more than %d images", task.MaxImages)
	case f.Size > most:
		return task.Errorf(task.CodeInvalid, "it is larger than %d KiB", most>>10)
	case f.URL == "":
		return task.Errorf(task.CodeInvalid, "Slack does not say where it is")
	}
	raw, err := g.Slack.Download(ctx, f.URL, most)
	if err != nil {
		return err
	}
	if image {
		img, err := task.NewImage(f.Name, raw)
		if err == nil {
			g.Images = append(g.Images, img)
		}
		return err
	}
	if !strings.HasPrefix(http.DetectContentType(raw), "text/") {
		return task.Errorf(task.CodeInvalid, "it is neither text nor an image")
	}
	text, _ := mrkdwn.Plain(string(raw))
	g.remark("The attached file " + f.Name + " holds:\n" + text)
	return nil
}
