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
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// MaxSize caps a document in bytes.
	MaxSize = 1 << 20
	// maxDepth is how deep collections may nest: twice what any file needs.
	maxDepth = 16
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
	if line, what, how := guard(data); what != "" {
		r.AddLine(line, what, how)
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

// guard returns the first place where the tokens hold an anchor, an alias, a
// tag, a second document or too deep nesting.
func guard(data []byte) (line int, what, how string) {
	flow, keys, indents := 0, 0, []int{}
	for _, tok := range lexer.Tokenize(string(data)) {
		switch tok.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			what, how = "anchors and aliases are not allowed", "write the value out"
		case token.TagType, token.DirectiveType:
			what, how = "tags and directives are not allowed", "take them out"
		case token.DocumentHeaderType:
			if tok.Prev != nil && tok.Prev.Type != token.CommentType {
				what, how = "a second document is not allowed", "keep one"
			}
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.MappingKeyType:
			what, how = "a key that begins with ? is not allowed", "write key: value"
		case token.MappingValueType:
			if keys++; keys > maxKeys {
				what, how = fmt.Sprintf("has more than %d keys", maxKeys), "split it, or put lists into a file of their own"
			}
			indents = nest(indents, tok)
		case token.SequenceEntryType:
			indents = nest(indents, tok)
		default:
		}
		if flow+len(indents) > maxDepth {
			what, how = fmt.Sprintf("nested deeper than %d", maxDepth), "make it flatter"
		}
		if what != "" {
			return tok.Position.Line, what, how
		}
	}
	return 0, "", ""
}

// nest returns the stack of block collections that are open at tok.
func nest(open []int, tok *token.Token) []int {
	column := tok.Position.Column
	if tok.Type == token.MappingValueType && tok.Prev != nil {
		column = tok.Prev.Position.Column
	}
	for len(open) > 0 && open[len(open)-1] >= column {
		open = open[:len(open)-1]
	}
	return append(open, column)
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
