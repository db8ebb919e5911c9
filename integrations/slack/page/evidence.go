package page

import (
	"fmt"
	"regexp"
	"strings"

	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/runner/message"
	"honk/internal/task"
)

// delivery is what a task has led to, "acme/api#812", and where that is.
func (w *words) delivery(v runner.View) (what mrk, address string) {
	repo := v.Task.Request.Repo
	what = w.line(repo.String(), 150)
	if v.Result == nil || v.Result.PullRequest == nil || v.Result.PullRequest.Number == 0 {
		return what, ""
	}
	pr := *v.Result.PullRequest
	return what + mrk(fmt.Sprintf("#%d", pr.Number)), pullURL(repo, pr)
}

// path matches where a pull request is at its forge.
var path = regexp.MustCompile(`^https?://[^/?#]+/[A-Za-z0-9._/-]+/(?:pull|pulls|merge_requests)/[0-9]+$`)

// pullURL is where a pull request is, as the forge has said, "" where that is
// not like one of this repository's.
func pullURL(repo task.Repo, pr task.PullRequest) string {
	address := trusted(pr.URL)
	if !path.MatchString(address) || !strings.Contains(address, "/"+repo.Owner+"/"+repo.Name+"/") {
		return ""
	}
	return address
}

// title is a pull request's title.
func (w *words) title(req task.Request) mrk {
	return w.line(message.Title(w.scrub.Clean(req.Prompt)), 200)
}

// evidence is what changed and what speaks for it.
func (w *words) evidence(res runner.Result) mrk {
	size := fact.Size(res.Patch)
	if size != "" {
		size += ". "
	}
	return mrk(size) + w.line(fact.Verified(res.Gate), 700) + mrk(". Judge: "+fact.Decision(res.Verdict)+".")
}
