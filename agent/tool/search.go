package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"honk/sandbox"
)

// searchHits is how many lines or files one search shows.
const searchHits = 100

func (s *Set) search(ctx context.Context, raw json.RawMessage) (Result, error) {
	in := struct {
		Pattern string `json:"pattern"`
		Path    string `json:"path"`
		Glob    string `json:"glob"`
		Mode    string `json:"mode"`
	}{}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Result{}, err
	}
	title := "search " + oneLine(in.Pattern, 80)
	if in.Pattern == "" {
		return failure(title, "The pattern is empty. To list files use ls or git ls-files in bash."), nil
	}
	found, err := s.cfg.Sandbox.Search(ctx, sandbox.Query{
		Pattern: in.Pattern, Path: strings.TrimPrefix(in.Path, "./"), Glob: in.Glob,
		FilesOnly: in.Mode == "files", MaxHits: searchHits,
	})
	var pe *sandbox.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failure(title, "There is no %q to search in. Leave path out to search everywhere.", in.Path), nil
	case errors.As(err, &pe):
		return failure(title, "The search could not be made: %s. Mend the pattern (RE2 syntax: escape ( [ { . to mean themselves) or the path.", pe.Error()), nil
	case err != nil:
		return Result{}, err
	}
	return Result{
		Text:  hits(found, in.Mode == "files"),
		Title: fmt.Sprintf("%s  %s in %s", title, count(found.TotalHits, "hit"), count(found.TotalFiles, "file")),
	}, nil
}

func hits(found sandbox.SearchResult, filesOnly bool) string {
	var b strings.Builder
	shown := 0
	switch {
	case found.TotalFiles == 0:
		b.WriteString("Nothing matches. The search is case-sensitive and skips what .gitignore names; (?i) ignores case.\n")
	case found.TotalFiles > searchHits:
		fmt.Fprintf(&b, "%d files match, too many to show. Narrow the pattern, the path or the glob. Files per directory:\n", found.TotalFiles)
		directories(&b, found.Directories)
	default:
		for _, f := range found.Files {
			if filesOnly {
				fmt.Fprintf(&b, "%s (%d)\n", f.Path, f.Count)
				continue
			}
			fmt.Fprintf(&b, "%s (%d)\n", f.Path, f.Count)
			for _, l := range f.Lines {
				fmt.Fprintf(&b, "%6d\t%s\n", l.Number, printable(l.Text))
				shown++
			}
		}
		if !filesOnly && shown < found.TotalHits {
			fmt.Fprintf(&b, "[%d of %d hits shown; narrow the pattern]\n", shown, found.TotalHits)
		}
	}
	if found.Incomplete != "" {
		fmt.Fprintf(&b, "[the search stopped early: %s]\n", found.Incomplete)
	}
	return b.String()
}

// directories lists those with most matching files first.
func directories(b *strings.Builder, counts map[string]int) {
	const most = 50
	names := make([]string, 0, len(counts))
	for n := range counts {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		if counts[names[i]] != counts[names[j]] {
			return counts[names[i]] > counts[names[j]]
		}
		return names[i] < names[j]
	})
	for _, n := range names[:min(len(names), most)] {
		fmt.Fprintf(b, "%6d\t%s\n", counts[n], n)
	}
	if len(names) > most {
		fmt.Fprintf(b, "[%d more directories]\n", len(names)-most)
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
