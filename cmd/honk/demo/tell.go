package demo

import (
	"context"
	"fmt"
	"html"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"honk/integrations/github/githubtest"
	"honk/integrations/github/page"
	"honk/internal/git/githttp"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
)

// tell shows what people at the forge see in the end, and says where things
// are.
func (s *stage) tell(ctx context.Context, id task.ID, res runner.Result) error {
	comments, err := s.forge.Comments(repoName, s.issue)
	if err != nil {
		return err
	}
	for _, c := range slices.Backward(comments) {
		if strings.Contains(c.Body, page.Marker(id)) {
			s.section("@%s answers on issue #%d", c.Login, s.issue)
			s.write(c.Body)
			break
		}
	}
	if res.PullRequest == nil {
		return nil
	}
	pulls, err := s.forge.Pulls(repoName)
	if err != nil {
		return err
	}
	root := filepath.Join(s.dir, "forge")
	for _, p := range pulls {
		if p.Number != res.PullRequest.Number {
			continue
		}
		if err := s.pull(ctx, p, root); err != nil {
			return err
		}
	}
	where := filepath.Join(root, repoName) + ".git"
	s.section("What stays")
	fmt.Fprintf(s.opts.Out, "the forge's repository  git -C %s log -p %s\nthe service's log       %s\n",
		where, res.PullRequest.Branch, s.service.logFile)
	return nil
}

// pull shows a pull request.
func (s *stage) pull(ctx context.Context, p githubtest.Pull, root string) error {
	draft := ""
	if p.Draft {
		draft = ", draft"
	}
	s.section("pull request #%d by @%s (%s%s)", p.Number, p.Login, p.State, draft)
	s.write(fmt.Sprintf("%s\n%s into %s, assigned to %s\n\n%s", p.Title, p.Head, p.Base, strings.Join(p.Assignees, ", "), p.Body))
	forge, err := githttp.New(githttp.Options{Root: root})
	if err != nil {
		return err
	}
	files, err := forge.Repo(repoName).Files(ctx, p.BaseSHA, p.HeadSHA)
	if err != nil {
		return err
	}
	s.section("its diff")
	for _, f := range files {
		// Code is shown as it is.
		fmt.Fprintf(s.opts.Out, "%s (%s, +%d -%d)\n%s\n", secret.Clean(f.Path, 0), f.Status, f.Additions, f.Deletions,
			strings.TrimRight(secret.Clean(f.Patch, 0), "\n"))
	}
	return nil
}

func (s *stage) section(format string, args ...any) {
	head := "── " + fmt.Sprintf(format, args...) + " "
	fmt.Fprintf(s.opts.Out, "\n%s%s\n", head, strings.Repeat("─", max(0, 80-len([]rune(head)))))
}

// What the forge does not show of a text, and what is left of it then.
var (
	hidden = regexp.MustCompile(`(?m)^<!--.*-->\n?|</?sub>`)
	empty  = regexp.MustCompile(`\n{3,}`)
)

// write prints a text as the forge shows it. Its words may be the model's.
func (s *stage) write(text string) {
	text = empty.ReplaceAllString(hidden.ReplaceAllString(text, ""), "\n\n")
	fmt.Fprintln(s.opts.Out, strings.TrimSpace(secret.Clean(html.UnescapeString(text), 0)))
}
