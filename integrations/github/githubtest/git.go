package githubtest

import (
	"context"
	"net/http"
	"strings"

	"honk/integrations/github/githubtest/rest"
	"honk/integrations/github/githubtest/world"
	"honk/internal/git/githttp"
)

// token finds the token of a git request. The world's lock is held.
func (f *Forge) token(r *http.Request) *rest.Token {
	_, password, _ := r.BasicAuth()
	return f.tokens.Find(password, f.world.Now())
}

// authorize lets a token fetch and push.
func (f *Forge) authorize(r *http.Request, repo string, push bool) int {
	f.world.Lock()
	defer f.world.Unlock()
	token := f.token(r)
	if token == nil || token.Suspended() {
		return http.StatusUnauthorized
	}
	known, err := f.world.Repo(repo)
	if err != nil || !token.Reaches(known) {
		return http.StatusNotFound
	}
	need := "contents:read"
	if push {
		need = "contents:write"
	}
	if !token.Permissions.Allows(need) || push && known.Archived {
		return http.StatusForbidden
	}
	return 0
}

// checkPush refuses what GitHub refuses an App: changes to its workflows
// without the permission for them, and hidden refs. The world's lock is held.
func (f *Forge) checkPush(ctx context.Context, r *http.Request, repo string, c githttp.Change) string {
	known, err := f.world.Repo(repo)
	if err != nil {
		return "repository not found"
	}
	if strings.HasPrefix(c.Ref, "refs/pull/") {
		return "deny updating a hidden ref"
	}
	token := f.token(r)
	if c.New == "" || token != nil && token.Permissions.Allows("workflows:write") {
		return ""
	}
	from := c.Old
	if from == "" {
		from = known.Git.MergeBase(ctx, known.Git.Resolve(ctx, known.DefaultBranch), c.New)
	}
	files, err := known.Git.Files(ctx, from, c.New)
	if err != nil {
		return "reading the push failed"
	}
	for _, file := range files {
		if strings.HasPrefix(file.Path, ".github/workflows/") {
			return "refusing to allow a GitHub App to create or update workflow `" + file.Path + "` without `workflows` permission"
		}
	}
	return ""
}

// pushed tells the world what the App pushed. The world's lock is held.
func (f *Forge) pushed(ctx context.Context, _ *http.Request, repo string, changes []githttp.Change) {
	known, err := f.world.Repo(repo)
	if err != nil {
		return
	}
	by := world.By{User: f.world.App.Bot, App: f.world.App}
	// What git cannot read back here shows in the next request.
	_ = f.world.Pushed(context.WithoutCancel(ctx), by, known, changes)
}
