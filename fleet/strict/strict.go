// Package strict reads YAML into structs whose tags say what is allowed, tells
// everything that is wrong at once, each with its line, and writes the same
// rules as a JSON schema.
//
// The tags: yaml is the key, req marks what must be there, default is what an
// absent key means, enum lists the words (a|b), min and max bound a number or
// the length of a list, pattern is for text and form says it in words, doc
// describes the key.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"honk/internal/config/yamlguard"
)

const (
	// MaxSize caps a document in bytes.
	MaxSize = 1 << 20
	// maxKeys, maxQuotes and maxBlocks cap what costs the parser the square
	// of its number.
	maxKeys   = 4000
	maxQuotes = 40000
	maxBlocks = 400
)

// Decode reads one document into out, a pointer to a struct, and returns what
// is wrong with it. What could expand or nest without bound is refused before
// the parser sees it. out is filled as far as the document goes.
func Decode(file string, data []byte, out any) *Report {
	r := &Report{file: file, lines: map[string]int{}}
	if len(data) > MaxSize {
		r.AddLine(1, fmt.Sprintf("has %d bytes", len(data)), fmt.Sprintf("at most %d are read; split it", MaxSize))
		return r
	}
	count := func(s string) int { return bytes.Count(data, []byte(s)) }
	if count(`"`)+count(`'`) > maxQuotes || count("|\n")+count(">\n") > maxBlocks {
		r.AddLine(1, "has too many quotes or blocks of text", "split it, or put lists into a file of their own")
		return r
	}
	if found := yamlguard.Check(data, keyRules()); found != nil {
		r.AddLine(found.Line, found.What, found.How)
		return r
	}
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, what := 1, err.Error()
		if at, ok := errors.AsType[yaml.Error](err); ok && at.GetToken() != nil {
			line, what = at.GetToken().Position.Line, at.GetMessage()
		}
		r.AddLine(line, "is not YAML: "+what, "correct the line or the one before it")
		return r
	}
	d := &decoder{r: r}
	v := reflect.ValueOf(out).Elem()
	fill(v)
	var body ast.Node
	if len(tree.Docs) > 0 {
		body = tree.Docs[0].Body
	}
	if isNull(body) {
		r.AddLine(1, "is empty", "write a document")
		return r
	}
	d.value(body, v, place{})
	return r
}

// keyRules refuses what a manifest needs no key for, and more keys than it needs.
func keyRules() func(*token.Token) (what, how string) {
	seen := 0
	return func(tok *token.Token) (what, how string) {
		switch tok.Type {
		case token.MappingKeyType:
			return "a key that begins with ? is not allowed", "write key: value"
		case token.MappingValueType:
			if seen++; seen > maxKeys {
				return fmt.Sprintf("has more than %d keys", maxKeys), "split it, or put lists into a file of their own"
			}
		default:
		}
		return "", ""
	}
}

// isNull reports whether a node says nothing.
func isNull(node ast.Node) bool {
	if node == nil {
		return true
	}
	switch n := node.(type) {
	case *ast.NullNode:
		return true
	case *ast.CommentGroupNode:
		return true
	case *ast.StringNode:
		return n.Value == "" && n.Token.Type == token.StringType && strings.TrimSpace(n.Token.Origin) == ""
	}
	return false
}
