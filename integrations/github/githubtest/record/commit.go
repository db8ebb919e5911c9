package record

import (
	"encoding/base64"
	"path"

	"honk/internal/git/githttp"
)

// Accounts finds who a commit's address belongs to.
type Accounts func(email string) *User

// Commit writes a commit down.
func (s *Site) Commit(r *Repo, c githttp.Entry, who Accounts) Object {
	api := s.API("/repos/%s/commits/%s", r.FullName(), c.SHA)
	parents := []Object{}
	for _, p := range c.Parents {
		parents = append(parents, Object{
			"sha": p, "url": s.API("/repos/%s/commits/%s", r.FullName(), p),
			"html_url": s.Page("/%s/commit/%s", r.FullName(), p),
		})
	}
	return Object{
		"sha": c.SHA, "node_id": "C_" + c.SHA, "url": api, "html_url": s.Page("/%s/commit/%s", r.FullName(), c.SHA),
		"comments_url": api + "/comments", "author": s.maybe(who(c.Author.Email)),
		"committer": s.maybe(who(c.Committer.Email)), "parents": parents,
		"commit": Object{
			"author": s.signature(c.Author), "committer": s.signature(c.Committer), "message": c.Message,
			"tree": Object{"sha": c.Tree, "url": s.API("/repos/%s/git/trees/%s", r.FullName(), c.Tree)},
			"url":  s.API("/repos/%s/git/commits/%s", r.FullName(), c.SHA), "comment_count": 0,
			"verification": Object{
				"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil,
			},
		},
	}
}

func (s *Site) signature(w githttp.Signature) Object {
	return Object{"name": w.Name, "email": w.Email, "date": stamp(w.When)}
}

// PushCommit writes a commit down as it stands in a push.
func (s *Site) PushCommit(r *Repo, c githttp.Entry, files []githttp.File) Object {
	paths := map[string][]string{"added": {}, "removed": {}, "modified": {}}
	for _, f := range files {
		paths[f.Status] = append(paths[f.Status], f.Path)
	}
	return Object{
		"id": c.SHA, "tree_id": c.Tree, "distinct": true, "message": c.Message, "timestamp": stamp(c.Author.When),
		"url":    s.Page("/%s/commit/%s", r.FullName(), c.SHA),
		"author": Object{"name": c.Author.Name, "email": c.Author.Email}, "added": paths["added"],
		"committer": Object{"name": c.Committer.Name, "email": c.Committer.Email},
		"removed":   paths["removed"], "modified": paths["modified"],
	}
}

// File writes a changed file down.
func (s *Site) File(r *Repo, sha string, f githttp.File) Object {
	name := escape(f.Path)
	return Object{
		"sha": f.SHA, "filename": f.Path, "status": f.Status, "additions": f.Additions, "deletions": f.Deletions,
		"changes": f.Additions + f.Deletions, "patch": f.Patch, "blob_url": s.Page("/%s/blob/%s/%s", r.FullName(), sha, name),
		"raw_url":      s.Page("/%s/raw/%s/%s", r.FullName(), sha, name),
		"contents_url": s.API("/repos/%s/contents/%s?ref=%s", r.FullName(), name, sha),
	}
}

// Content writes a file at a commit down.
func (s *Site) Content(r *Repo, ref, name, sha string, content []byte) Object {
	api := s.API("/repos/%s/contents/%s?ref=%s", r.FullName(), escape(name), escape(ref))
	blob := s.API("/repos/%s/git/blobs/%s", r.FullName(), sha)
	page := s.Page("/%s/blob/%s/%s", r.FullName(), escape(ref), escape(name))
	return Object{
		"type": "file", "encoding": "base64", "size": len(content), "name": path.Base(name), "path": name,
		"content": base64.StdEncoding.EncodeToString(content), "sha": sha, "url": api, "git_url": blob, "html_url": page,
		"download_url": s.Page("/%s/raw/%s/%s", r.FullName(), escape(ref), escape(name)),
		"_links":       Object{"git": blob, "self": api, "html": page},
	}
}

// Branch writes a branch down.
func (s *Site) Branch(r *Repo, name string, c githttp.Entry, who Accounts) Object {
	api := s.API("/repos/%s/branches/%s", r.FullName(), escape(name))
	required, level, checks := append([]string{}, r.Required[name]...), "off", []Object{}
	if len(required) > 0 {
		level = "non_admins"
	}
	for _, context := range required {
		checks = append(checks, Object{"context": context, "app_id": nil})
	}
	return Object{
		"name": name, "commit": s.Commit(r, c, who), "protected": len(required) > 0, "protection_url": api + "/protection",
		"_links": Object{"self": api, "html": s.Page("/%s/tree/%s", r.FullName(), escape(name))},
		"protection": Object{
			"enabled": len(required) > 0,
			"required_status_checks": Object{
				"enforcement_level": level, "contexts": required, "checks": checks,
			},
		},
	}
}

// Ref writes a ref down by its full name.
func (s *Site) Ref(r *Repo, ref, sha string) Object {
	return Object{
		"ref": ref, "node_id": "REF_" + sha, "url": s.API("/repos/%s/git/%s", r.FullName(), escape(ref)),
		"object": Object{
			"type": "commit", "sha": sha, "url": s.API("/repos/%s/git/commits/%s", r.FullName(), sha),
		},
	}
}
