package prompt

import (
	"fmt"
	"sort"
	"strings"
)

// TreeBytes is how long a file tree may be: about 1,500 tokens.
const TreeBytes = 4500

// Tree shows the files of a repository as an indented tree of at most max
// bytes. Directories nearer the root are opened first; what stays closed
// shows how many files it holds.
func Tree(paths []string, most int) string {
	root := &dir{}
	for _, p := range paths {
		root.add(strings.Split(p, "/"))
	}
	root.open = true
	left := most - root.cost(0)
	for queue := root.children(0); len(queue) > 0; queue = queue[1:] {
		d := queue[0]
		cost := d.cost(d.depth)
		if cost > left {
			continue
		}
		left -= cost
		d.open = true
		queue = append(queue, d.children(d.depth)...)
	}
	var b strings.Builder
	root.write(&b, 0)
	text := strings.TrimRight(b.String(), "\n")
	if len(text) > most {
		text = text[:strings.LastIndexByte(text[:most], '\n')+1] + "[cut]"
	}
	return text
}

// entries is how many files of one directory show.
const entries = 40

type dir struct {
	name  string
	depth int
	open  bool
	files []string
	dirs  map[string]*dir
	// total counts the files at any depth.
	total int
}

func (d *dir) add(parts []string) {
	d.total++
	if len(parts) == 1 {
		d.files = append(d.files, parts[0])
		return
	}
	if d.dirs == nil {
		d.dirs = map[string]*dir{}
	}
	sub := d.dirs[parts[0]]
	if sub == nil {
		sub = &dir{name: parts[0]}
		d.dirs[parts[0]] = sub
	}
	sub.add(parts[1:])
}

// children are the directories in d, by name.
func (d *dir) children(depth int) []*dir {
	out := make([]*dir, 0, len(d.dirs))
	for _, sub := range d.dirs {
		sub.depth = depth + 1
		out = append(out, sub)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

// cost is how many bytes opening d adds at most.
func (d *dir) cost(depth int) int {
	n := 0
	for name := range d.dirs {
		n += 2*depth + len(name) + len("/ (10000 files)\n")
	}
	for _, f := range d.files[:min(len(d.files), entries)] {
		n += 2*depth + len(f) + 1
	}
	if len(d.files) > entries {
		n += 2*depth + len("[10000 more files]\n")
	}
	return n
}

func (d *dir) write(b *strings.Builder, depth int) {
	indent := strings.Repeat("  ", depth)
	for _, sub := range d.children(depth) {
		if !sub.open {
			fmt.Fprintf(b, "%s%s/ (%d file%s)\n", indent, sub.name, sub.total, plural(sub.total))
			continue
		}
		fmt.Fprintf(b, "%s%s/\n", indent, sub.name)
		sub.write(b, depth+1)
	}
	sort.Strings(d.files)
	for _, f := range d.files[:min(len(d.files), entries)] {
		fmt.Fprintf(b, "%s%s\n", indent, f)
	}
	if n := len(d.files) - entries; n > 0 {
		fmt.Fprintf(b, "%s[%d more files]\n", indent, n)
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
