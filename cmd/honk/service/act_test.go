package service_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"honk/integrations/github/githubtest"
)

// acts are what people do at the forge. Between two of them time passes.
var acts = map[string]command{
	"repo":     {"OWNER/NAME DIR [private]", 2, 3, false, actRepo},
	"user":     {"LOGIN OWNER/NAME ROLE", 3, 3, false, actUser},
	"issue":    {"LOGIN OWNER/NAME TITLE [BODY]", 3, 4, false, actIssue},
	"label":    {"LOGIN OWNER/NAME/N LABEL", 3, 3, false, actLabel},
	"comment":  {"LOGIN OWNER/NAME/N TEXT", 3, 3, false, actComment},
	"edit":     {"LOGIN OWNER/NAME/N REGEXP TEXT", 4, 4, false, actEdit},
	"review":   {"LOGIN OWNER/NAME/N EVENT TEXT [PATH:LINE:TEXT ...]", 4, 20, false, actReview},
	"remark":   {"LOGIN OWNER/NAME/N PATH:LINE:TEXT", 3, 3, false, actRemark},
	"describe": {"LOGIN OWNER/NAME/N TEXT", 3, 3, false, actDescribe},
	"commit":   {"LOGIN OWNER/NAME/N|OWNER/NAME@BRANCH PATH TEXT", 4, 4, false, actCommit},
	"pull":     {"LOGIN OWNER/NAME@BRANCH TITLE [FORK]", 3, 4, false, actPull},
	"fork":     {"LOGIN OWNER/NAME", 2, 2, false, actFork},
	"check":    {"OWNER/NAME/N|OWNER/NAME@BRANCH NAME CONCLUSION [TEXT]", 3, 4, false, actCheck},
	"ready":    {"LOGIN OWNER/NAME/N", 2, 2, false, actReady},
	"merge":    {"LOGIN OWNER/NAME/N", 2, 2, false, actMerge},
	"close":    {"LOGIN OWNER/NAME/N", 2, 2, false, actClose},
}

// at is where a person does something, in a time of its own.
func (s *scene) at(login, where string) (githubtest.At, place, error) {
	s.clock.tick()
	p, err := s.place(where)
	return githubtest.At{Login: login, Repo: p.repo, Number: p.number}, p, err
}

// tree is what the files of a directory hold.
func (s *scene) tree(dir string) (map[string]string, error) {
	root, files := s.MkAbs(dir), map[string]string{}
	return files, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		raw, err := os.ReadFile(path)
		files[rel] = string(raw)
		return err
	})
}

// actRepo makes a repository of a directory and installs the App there.
func actRepo(s *scene, args []string) error {
	files, err := s.tree(args[1])
	if err != nil {
		return err
	}
	if _, err := s.forge.CreateRepo(s.Context(), githubtest.NewRepo{Name: args[0], Files: files, Private: len(args) == 3}); err != nil {
		return err
	}
	owner, _, _ := strings.Cut(args[0], "/")
	_, err = s.forge.Install(owner)
	return err
}

// actUser gives a person, or the bot of another App, a role: admin, maintain,
// write, triage, read or none.
func actUser(s *scene, args []string) error {
	if strings.HasSuffix(args[0], "[bot]") {
		s.forge.AddBot(args[0])
	}
	return s.forge.SetPermission(args[1], args[0], args[2])
}

func actIssue(s *scene, args []string) error {
	s.clock.tick()
	_, err := s.forge.OpenIssue(args[0], args[1], args[2], strings.Join(args[3:], ""))
	return err
}

func actLabel(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	return s.forge.Label(at, args[2])
}

func actComment(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	_, err = s.forge.Comment(at, args[2])
	return err
}

// actEdit changes the comment of a person that matches.
func actEdit(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	re, err := regexp.Compile(args[2])
	if err != nil {
		return err
	}
	comments, err := s.forge.Comments(at.Repo, at.Number)
	for _, c := range comments {
		if c.Login == at.Login && re.MatchString(c.Body) {
			return s.forge.EditComment(at.Login, at.Repo, c.ID, args[3])
		}
	}
	return fmt.Errorf("%s has no such comment there (%w)", at.Login, err)
}

func lineOf(text string) (githubtest.Line, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return githubtest.Line{}, fmt.Errorf("%q is no PATH:LINE:TEXT", text)
	}
	n, err := strconv.Atoi(parts[1])
	return githubtest.Line{Path: parts[0], Line: n, Body: parts[2]}, err
}

// actReview submits a review: approve, request_changes or comment.
func actReview(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	r := githubtest.NewReview{Event: args[2], Body: args[3]}
	for _, arg := range args[4:] {
		line, err := lineOf(arg)
		if err != nil {
			return err
		}
		r.Lines = append(r.Lines, line)
	}
	_, err = s.forge.Review(s.Context(), at, r)
	return err
}

// actRemark comments on one line of a pull request.
func actRemark(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	line, err := lineOf(args[2])
	if err != nil {
		return err
	}
	_, err = s.forge.CommentLine(s.Context(), at, line)
	return err
}

// actDescribe writes a text above what describes an issue or pull request.
func actDescribe(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	old, err := s.forge.Issue(at.Repo, at.Number)
	if err != nil {
		return err
	}
	body := args[2] + "\n\n" + old.Body
	return s.forge.EditIssue(s.Context(), at, githubtest.Edit{Body: &body})
}

func actCommit(s *scene, args []string) error {
	at, p, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	_, err = s.forge.Commit(s.Context(), githubtest.Change{
		Repo: at.Repo, Branch: p.branch, Login: at.Login, Files: map[string]string{args[2]: args[3] + "\n"},
	})
	return err
}

func actPull(s *scene, args []string) error {
	at, p, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	_, err = s.forge.OpenPull(s.Context(), at.Login, at.Repo, githubtest.NewPull{
		Title: args[2], Head: p.branch, Fork: strings.Join(args[3:], ""),
	})
	return err
}

func actFork(s *scene, args []string) error { return s.forge.Fork(s.Context(), args[1], args[0]) }

// actCheck reports a check of CI: success, failure, or running. One that is
// not running ends its suite.
func actCheck(s *scene, args []string) error {
	_, p, err := s.at("", args[0])
	if err != nil {
		return err
	}
	c := githubtest.Check{SHA: p.branch, Name: args[1], Conclusion: args[2]}
	if c.Conclusion == "running" {
		c.Conclusion = ""
	}
	c.Output.Summary = strings.Join(args[3:], "")
	if _, err := s.forge.SetCheck(s.Context(), p.repo, c); err != nil || c.Conclusion == "" {
		return err
	}
	return s.forge.CompleteSuite(s.Context(), p.repo, p.branch)
}

func actReady(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	return s.forge.SetDraft(at, false)
}

func actMerge(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	return s.forge.MergePull(s.Context(), at, "merge")
}

func actClose(s *scene, args []string) error {
	at, _, err := s.at(args[0], args[1])
	if err != nil {
		return err
	}
	return s.forge.CloseIssue(s.Context(), at)
}
