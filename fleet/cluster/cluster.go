// Package cluster groups diffs by their shape, so that a reviewer reads one of
// each: hunks without line numbers, indentation, versions and names.
package cluster

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxDiff is how much of a diff is looked at.
const maxDiff = 4 << 20

// Shape is what a diff looks like.
type Shape struct {
	// ID is equal for diffs that do the same to different text.
	ID string `json:"id"`
	// Exact is equal for diffs that add and remove the same lines.
	Exact string `json:"exact"`
	Files int    `json:"files"`
	// Lines counts those added and removed.
	Lines int `json:"lines"`
}

// details are what differs between repositories within one shape.
var details = []struct {
	is   *regexp.Regexp
	says string
}{
	{regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`"), "S"},
	{regexp.MustCompile(`\b(?:sha\d+[:-])?[0-9a-f]{12,}\b`), "H"},
	{regexp.MustCompile(`\bv?\d+(?:\.\w+)*(?:[-+][\w.-]+)?`), "N"},
	{regexp.MustCompile(`(?:[\w.-]+/)+[\w.-]+`), "P"},
	{regexp.MustCompile(`\s+`), " "},
}

// Of returns the shape of a git diff, which may be hostile.
func Of(diff []byte) Shape {
	if len(diff) > maxDiff {
		diff = diff[:maxDiff]
	}
	var s Shape
	var exact, shape []string
	for _, f := range files(diff) {
		s.Files++
		for _, hunk := range f.hunks {
			s.Lines += len(hunk)
			exact = append(exact, f.kind+"\n"+strings.Join(hunk, "\n"))
			shape = append(shape, f.kind+"\n"+normal(hunk))
		}
		if len(f.hunks) == 0 {
			exact, shape = append(exact, f.kind+" "+f.name), append(shape, f.kind)
		}
	}
	if s.Files == 0 {
		return Shape{}
	}
	s.Exact, s.ID = digest(exact, false), digest(shape, true)
	return s
}

// digest is of the hunks in whatever order; for a shape it does not matter
// how often one occurs.
func digest(hunks []string, once bool) string {
	slices.Sort(hunks)
	if once {
		hunks = slices.Compact(hunks)
	}
	sum := sha256.Sum256([]byte(strings.Join(hunks, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// normal returns a hunk without details.
func normal(hunk []string) string {
	out := make([]string, len(hunk))
	for i, line := range hunk {
		text := strings.TrimSpace(line[1:])
		for _, d := range details {
			text = d.is.ReplaceAllString(text, d.says)
		}
		out[i] = line[:1] + text
	}
	return strings.Join(slices.Compact(out), "\n")
}

// file is one of a diff: its kind is what happened to it and its extension.
type file struct {
	name, kind string
	hunks      [][]string
}

// files reads the added and removed lines of a git diff. A run of them
// between lines of context is a hunk, whatever the headers say.
func files(diff []byte) []*file {
	var found []*file
	var run []string
	var now *file
	inHunk := false
	end := func() {
		if now != nil && len(run) > 0 {
			now.hunks = append(now.hunks, run)
		}
		run = nil
	}
	for raw := range bytes.Lines(diff) {
		line := strings.TrimRight(string(raw), "\r\n")
		switch {
		case strings.HasPrefix(line, "diff --git "):
			end()
			name := line[strings.LastIndex(line, " ")+1:]
			now = &file{name: path.Base(name), kind: "~" + extension(name)}
			found = append(found, now)
			inHunk = false
		case strings.HasPrefix(line, "@@ "):
			end()
			inHunk = true
		case !inHunk:
			if now != nil {
				now.header(line)
			}
		case strings.HasPrefix(line, "+"), strings.HasPrefix(line, "-"):
			run = append(run, line)
		case !strings.HasPrefix(line, `\`):
			end()
		}
	}
	end()
	return found
}

// header notes what a line before the hunks says of a file.
func (f *file) header(line string) {
	for prefix, sign := range map[string]string{
		"new file": "+", "deleted file": "-", "rename from": ">", "Binary": "b", "GIT binary": "b",
	} {
		if strings.HasPrefix(line, prefix) {
			f.kind = sign + f.kind[1:]
		}
	}
}

// extension returns what says which language a file is in.
func extension(name string) string {
	base := path.Base(name)
	if ext := path.Ext(base); ext != "" {
		return ext
	}
	return base
}

// Item is a diff by its key.
type Item struct {
	Key   string `json:"key"`
	Shape Shape  `json:"shape"`
}

// Cluster is the diffs of one shape.
type Cluster struct {
	ID string `json:"id"`
	// Sample is the one to read.
	Sample string `json:"sample"`
	// Exact add and remove the very lines of the sample, Near do the same to
	// other text.
	Exact []string `json:"exact"`
	Near  []string `json:"near,omitempty"`
	// Outlier: no other diff is like it.
	Outlier bool `json:"outlier,omitempty"`
}

// Size is how many diffs a cluster has.
func (c Cluster) Size() int { return len(c.Exact) + len(c.Near) }

// Group returns the clusters, the largest first. The sample is of the most
// frequent exact form.
func Group(items []Item) []Cluster {
	byShape := map[string]map[string][]string{}
	for _, item := range items {
		if item.Shape.ID == "" {
			continue
		}
		if byShape[item.Shape.ID] == nil {
			byShape[item.Shape.ID] = map[string][]string{}
		}
		byShape[item.Shape.ID][item.Shape.Exact] = append(byShape[item.Shape.ID][item.Shape.Exact], item.Key)
	}
	clusters := make([]Cluster, 0, len(byShape))
	for id, forms := range byShape {
		c := Cluster{ID: id}
		best := ""
		for exact, keys := range forms {
			slices.Sort(keys)
			if best == "" || len(keys) > len(forms[best]) || len(keys) == len(forms[best]) && keys[0] < forms[best][0] {
				best = exact
			}
		}
		for exact, keys := range forms {
			if exact == best {
				c.Exact, c.Sample = keys, keys[0]
				continue
			}
			c.Near = append(c.Near, keys...)
		}
		slices.Sort(c.Near)
		c.Outlier = c.Size() == 1
		clusters = append(clusters, c)
	}
	slices.SortFunc(clusters, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(b.Size(), a.Size()), cmp.Compare(a.Sample, b.Sample))
	})
	return clusters
}
