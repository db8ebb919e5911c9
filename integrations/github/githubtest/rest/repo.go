package rest

import (
	"net/http"
	"strings"

	"honk/integrations/github/githubtest/record"
	"honk/internal/git/githttp"
)

// repoRoutes are the operations on repositories and what git holds.
var repoRoutes = []route{
	{"GET /repos/{owner}/{repo}", "metadata:read", func(c *call) reply { return ok(c.Site.RepoFull(c.repo)) }},
	{"GET /repos/{owner}/{repo}/collaborators/{login}/permission", "metadata:read", permission},
	{"GET /repos/{owner}/{repo}/branches/{branch...}", "contents:read", branch},
	{"GET /repos/{owner}/{repo}/git/ref/{ref...}", "contents:read", func(c *call) reply {
		if sha := c.repo.Git.Resolve(c.Context(), "refs/"+c.PathValue("ref")); sha != "" {
			return ok(c.Site.Ref(c.repo, "refs/"+c.PathValue("ref"), sha))
		}
		return notFound
	}},
	{"DELETE /repos/{owner}/{repo}/git/refs/{ref...}", "contents:write", deleteRef},
	{"GET /repos/{owner}/{repo}/commits/{ref}", "contents:read", commit},
	{"GET /repos/{owner}/{repo}/contents/{path...}", "contents:read", contents},
}

// permission answers with what a user may do: the older word, of which there
// are four, and the name of the role.
func permission(c *call) reply {
	u := c.User(c.PathValue("login"))
	if u == nil {
		return notFound
	}
	role := c.repo.Role(u.Login)
	old := map[string]string{"maintain": "write", "triage": "read"}[role]
	if old == "" {
		old = role
	}
	user := c.Site.User(u)
	write := role == "admin" || role == "maintain" || role == "write"
	user["role_name"] = role
	user["permissions"] = record.Object{
		"admin": role == "admin", "maintain": role == "admin" || role == "maintain", "push": write,
		"triage": write || role == "triage", "pull": role != "none",
	}
	return ok(record.Object{"permission": old, "role_name": role, "user": user})
}

func branch(c *call) reply {
	name := c.PathValue("branch")
	sha := c.repo.Git.Resolve(c.Context(), "refs/heads/"+name)
	if sha == "" {
		return failed(http.StatusNotFound, "Branch not found")
	}
	return ok(c.Site.Branch(c.repo, name, c.Entry(c.Context(), c.repo, sha), c.ByMail))
}

func deleteRef(c *call) reply {
	ref := "refs/" + c.PathValue("ref")
	old := c.repo.Git.Resolve(c.Context(), ref)
	if old == "" {
		return failed(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if ref == "refs/heads/"+c.repo.DefaultBranch {
		return failed(http.StatusUnprocessableEntity, "Cannot delete the default branch")
	}
	if err := c.repo.Git.SetRef(c.Context(), ref, ""); err != nil {
		return problem(err)
	}
	if err := c.Pushed(c.Context(), c.by, c.repo, []githttp.Change{{Ref: ref, Old: old}}); err != nil {
		return problem(err)
	}
	return noContent
}

// resolve finds the commit of a path's ref, which may be a branch or tag with
// or without heads/ or tags/.
func (c *call) resolve() string {
	ref := c.PathValue("ref")
	if sha := c.repo.Git.Resolve(c.Context(), ref); sha != "" {
		return sha
	}
	if strings.HasPrefix(ref, "heads/") || strings.HasPrefix(ref, "tags/") {
		return c.repo.Git.Resolve(c.Context(), "refs/"+ref)
	}
	return ""
}

func commit(c *call) reply {
	sha := c.resolve()
	if sha == "" {
		return failed(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.PathValue("ref"))
	}
	entry := c.Entry(c.Context(), c.repo, sha)
	parent := ""
	if len(entry.Parents) > 0 {
		parent = entry.Parents[0]
	}
	files, err := c.repo.Git.Files(c.Context(), parent, sha)
	if err != nil {
		return problem(err)
	}
	o := c.Site.Commit(c.repo, entry, c.ByMail)
	added, removed := 0, 0
	for _, f := range files {
		added, removed = added+f.Additions, removed+f.Deletions
	}
	o["stats"] = record.Object{"additions": added, "deletions": removed, "total": added + removed}
	o["files"] = record.List(files, func(f githttp.File) record.Object { return c.Site.File(c.repo, sha, f) })
	return ok(o)
}

// contents answers with a file, or with the names in a directory.
func contents(c *call) reply {
	ref := c.URL.Query().Get("ref")
	if ref == "" {
		ref = c.repo.DefaultBranch
	}
	sha := c.repo.Git.Resolve(c.Context(), ref)
	if sha == "" {
		return failed(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	path := strings.Trim(c.PathValue("path"), "/")
	if content, blob, err := c.repo.Git.Read(c.Context(), sha, path); err == nil {
		return ok(c.Site.Content(c.repo, ref, path, blob, content))
	}
	names, err := c.repo.Git.Names(c.Context(), sha, path)
	if err != nil {
		return notFound
	}
	entries := []record.Object{}
	for _, name := range names {
		full := strings.TrimPrefix(path+"/"+strings.TrimSuffix(name, "/"), "/")
		o := c.Site.Content(c.repo, ref, full, sha, nil)
		delete(o, "content")
		delete(o, "encoding")
		if strings.HasSuffix(name, "/") {
			o["type"], o["download_url"] = "dir", nil
		}
		entries = append(entries, o)
	}
	return ok(entries)
}
