package lookup

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"honk/integrations/github/githubtest/record"
)

// search finds repositories: public ones and those the token reaches.
func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	s.world.Lock()
	defer s.world.Unlock()
	t := s.token(w, r)
	if t == nil {
		return
	}
	terms := strings.Fields(r.URL.Query().Get("q"))
	if len(terms) == 0 {
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed")
		return
	}
	found := []*record.Repo{}
	for _, repo := range s.world.Repos {
		fits := !repo.Private || t.Reaches(repo)
		for _, term := range terms {
			one, err := hit(repo, term)
			if err != nil {
				refuse(w, http.StatusUnprocessableEntity, err.Error())
				return
			}
			fits = fits && one
		}
		if fits {
			found = append(found, repo)
		}
	}
	slices.SortStableFunc(found, func(a, b *record.Repo) int { return cmp.Compare(a.ID, b.ID) })
	s.page(w, r, found)
}

// page shows one page of what was found, or none beyond the cap.
func (s *Server) page(w http.ResponseWriter, r *http.Request, found []*record.Repo) {
	s.mu.Lock()
	most, incomplete := s.cap, s.incomplete > 0
	s.incomplete = max(s.incomplete-1, 0)
	s.mu.Unlock()
	size, page := 30, 1
	if n, err := strconv.Atoi(r.URL.Query().Get("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n > 0 {
		page = n
	}
	if (page-1)*size >= most {
		refuse(w, http.StatusUnprocessableEntity, "Only the first 1000 search results are available")
		return
	}
	shown := found[:min(len(found), most)]
	from := min((page-1)*size, len(shown))
	part := shown[from:min(from+size, len(shown))]
	if incomplete {
		part = part[:len(part)/2]
	}
	answer(w, http.StatusOK, record.Object{
		"total_count": len(found), "incomplete_results": incomplete,
		"items": record.List(part, func(r *record.Repo) record.Object {
			o := s.world.Site.Repo(r)
			delete(o, "custom_properties") // as GitHub does in hits
			o["score"] = 1.0
			return o
		}),
	})
}

// hit reports whether a repository fits a term of a search.
func hit(r *record.Repo, term string) (bool, error) {
	key, value, ok := strings.Cut(term, ":")
	if !ok {
		return strings.Contains(strings.ToLower(r.Name+" "+r.Description), strings.ToLower(term)), nil
	}
	value = strings.Trim(value, `"`)
	switch key {
	case "org", "user":
		return strings.EqualFold(r.Owner.Login, value), nil
	case "repo":
		return strings.EqualFold(r.FullName(), value), nil
	case "topic":
		return slices.Contains(r.Topics, value), nil
	case "language":
		return strings.EqualFold(r.Language, value), nil
	case "archived":
		return strconv.FormatBool(r.Archived) == value, nil
	case "is":
		return r.Private == (value == "private"), nil
	case "fork", "in":
		return true, nil
	case "created":
		return within(r.CreatedAt, value)
	}
	return false, fmt.Errorf("the qualifier %q is not known here", key)
}

// within reports whether a time lies in a range like A..B, >=A or <B.
func within(at time.Time, value string) (bool, error) {
	from, to, between := strings.Cut(value, "..")
	if between {
		after, err := within(at, ">="+from)
		if err != nil || !after {
			return false, err
		}
		return within(at, "<="+to)
	}
	text := strings.TrimLeft(value, "<>=")
	if text == "*" {
		return true, nil
	}
	limit, err := time.Parse(time.RFC3339, text)
	if err != nil {
		if limit, err = time.Parse(time.DateOnly, text); err != nil {
			return false, fmt.Errorf("%q is no date", text)
		}
	}
	order := at.Compare(limit)
	switch value[:len(value)-len(text)] {
	case ">=":
		return order >= 0, nil
	case ">":
		return order > 0, nil
	case "<=":
		return order <= 0, nil
	case "<":
		return order < 0, nil
	}
	return at.Format(time.DateOnly) == text, nil
}
