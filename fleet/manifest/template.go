package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"honk/internal/nearest"
)

// fields are what a template of a pull request may say.
var fields = []string{"repo", "owner", "unit", "params", "row", "outputs", "diffstat", "shift", "why"}

// maxTemplate caps the text of a template.
const maxTemplate = 64 << 10

// ParseTemplate parses the text of a pull request. What could run without end
// is refused: templates within templates, loops within loops and loops over a
// number.
func ParseTemplate(name, text string) (*template.Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", len(text), maxTemplate)
	}
	tmpl, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	if len(tmpl.Templates()) > 1 {
		return nil, fmt.Errorf("templates within templates are not allowed")
	}
	if tmpl.Tree == nil {
		return tmpl, nil
	}
	return tmpl, checkNode(tmpl.Root, false)
}

// checkNode refuses what could run without end.
func checkNode(node parse.Node, looping bool) error {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, inner := range n.Nodes {
			if err := checkNode(inner, looping); err != nil {
				return err
			}
		}
	case *parse.TemplateNode:
		return fmt.Errorf("line %d: templates within templates are not allowed", n.Line)
	case *parse.RangeNode:
		if looping {
			return fmt.Errorf("line %d: a loop within a loop is not allowed", n.Line)
		}
		if !overField(n.Pipe) {
			return fmt.Errorf("line %d: a loop goes over a field only, as {{range .outputs.files}}", n.Line)
		}
		return checkBranch(&n.BranchNode, true)
	case *parse.IfNode:
		return checkBranch(&n.BranchNode, looping)
	case *parse.WithNode:
		return checkBranch(&n.BranchNode, looping)
	}
	return nil
}

func checkBranch(n *parse.BranchNode, looping bool) error {
	if err := checkNode(n.List, looping); err != nil {
		return err
	}
	return checkNode(n.ElseList, looping)
}

func overField(pipe *parse.PipeNode) bool {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return false
	}
	_, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode)
	return ok
}

// templates checks the title and the body.
func (c *checker) templates() {
	pr := c.m.Spec.PullRequest
	if strings.TrimSpace(pr.Title) == "" && c.Has("spec.pullRequest.title") && !c.Failed("spec.pullRequest.title") {
		c.Add("spec.pullRequest.title", "is empty", "write one")
	}
	if strings.ContainsAny(pr.Title, "\r\n") {
		c.Add("spec.pullRequest.title", "has more than one line", "keep one")
	}
	c.template("spec.pullRequest.title", "", pr.Title)
	if pr.Body.File != "" {
		c.template("spec.pullRequest.body.file", pr.Body.File, pr.Body.Text)
		return
	}
	c.template("spec.pullRequest.body.text", "", pr.Body.Text)
}

func (c *checker) template(at, file, text string) {
	tmpl, err := ParseTemplate("text", text)
	if err != nil {
		what := "is no template: " + strings.TrimPrefix(err.Error(), "template: text:")
		how := "see https://pkg.go.dev/text/template"
		if line, rest, ok := templateLine(err.Error()); ok && file != "" {
			c.AddFile(file, line, "is no template: "+rest, how)
			return
		}
		c.Add(at, what, how)
		return
	}
	if tmpl.Tree == nil {
		return
	}
	for _, name := range roots(tmpl.Root, nil) {
		known, what := fields, name[0]
		if len(name) > 1 && name[0] == "params" {
			known, what = keysOf(c.m.Spec.Params), name[1]
		}
		if !slices.Contains(known, what) {
			how := "use one of ." + strings.Join(fields, " .")
			if near := nearest.Word(what, known); near != "" {
				how = fmt.Sprintf("did you mean %q?", near)
			} else if len(name) > 1 {
				how = "add it to spec.params"
			}
			c.Add(at, fmt.Sprintf("uses .%s, which there is not", strings.Join(name, ".")), how)
		}
	}
}

// templateLine splits the parser's error, template: text:LINE: REST.
func templateLine(text string) (line int, rest string, ok bool) {
	number, rest, found := strings.Cut(strings.TrimPrefix(text, "template: text:"), ": ")
	line, err := strconv.Atoi(number)
	return line, rest, found && err == nil
}

func keysOf(m map[string]string) []string {
	var found []string
	for key := range m {
		found = append(found, key)
	}
	return found
}

// roots returns the fields that a template takes from its data, outside of
// what changes the dot.
func roots(node parse.Node, found [][]string) [][]string {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, inner := range n.Nodes {
				found = roots(inner, found)
			}
		}
	case *parse.ActionNode:
		return roots(n.Pipe, found)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			for _, arg := range command.Args {
				found = roots(arg, found)
			}
		}
	case *parse.FieldNode:
		found = append(found, n.Ident)
	case *parse.IfNode:
		found = roots(n.Pipe, found)
		return roots(n.ElseList, roots(n.List, found))
	case *parse.WithNode:
		return roots(n.ElseList, roots(n.Pipe, found))
	case *parse.RangeNode:
		return roots(n.ElseList, roots(n.Pipe, found))
	}
	return found
}
