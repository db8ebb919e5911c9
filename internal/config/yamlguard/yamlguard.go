// Package yamlguard looks at the tokens of YAML from strangers before a parser
// does: what could expand or nest without bound is refused.
package yamlguard

import (
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// MaxDepth is how deep collections may nest: twice what any file needs.
const MaxDepth = 16

// Finding is why a document is refused: what is wrong in a line, counted from
// 1, and how to mend it.
type Finding struct {
	Line      int
	What, How string
}

// Check returns the first place where data holds an anchor, an alias, a tag, a
// second document or too deep nesting, or where alsoFunc, which may be nil,
// finds something wrong with a token; nil when there is none.
func Check(data []byte, alsoFunc func(*token.Token) (what, how string)) *Finding {
	flow, indents := 0, []int{}
	for _, tok := range lexer.Tokenize(string(data)) {
		var what, how string
		if alsoFunc != nil {
			what, how = alsoFunc(tok)
		}
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
		case token.MappingValueType, token.SequenceEntryType:
			indents = nest(indents, tok)
		default:
		}
		if flow+len(indents) > MaxDepth {
			what, how = fmt.Sprintf("nested deeper than %d", MaxDepth), "make it flatter"
		}
		if what != "" {
			return &Finding{tok.Position.Line, what, how}
		}
	}
	return nil
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
