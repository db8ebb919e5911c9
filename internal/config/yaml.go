package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"honk/internal/task"
)

// maxDepth is how deep collections may nest: twice what any file needs.
const maxDepth = 16

// decode parses one YAML document strictly into out, a pointer to a struct.
// The bytes may be hostile: what could expand or nest without bound is
// refused before the parser sees it.
func decode(name string, data []byte, max int, out any) error {
	if len(data) > max {
		return task.Errorf(task.CodeInvalid, "%s has %d bytes; at most %d are read", name, len(data), max)
	}
	if err := checkTokens(name, data); err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict(),
		yaml.CustomUnmarshaler(scalar(parseDuration)), yaml.CustomUnmarshaler(scalar(parseSize)))
	err := dec.Decode(out)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return explain(name, err, out)
}

func scalar[T any](parse func(string) (T, error)) func(*T, []byte) error {
	return func(out *T, data []byte) error {
		text := strings.Trim(strings.TrimSpace(string(data)), `"'`)
		value, err := parse(text)
		if err != nil {
			return task.Errorf(task.CodeInvalid, "%q %w", text, err)
		}
		*out = value
		return nil
	}
}

// checkTokens refuses anchors, aliases, tags, a second document and deep
// nesting.
func checkTokens(name string, data []byte) error {
	flow, indents := 0, []int{}
	for _, tok := range lexer.Tokenize(string(data)) {
		problem := ""
		switch tok.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			problem = "anchors and aliases are not allowed; write the value out"
		case token.TagType, token.DirectiveType:
			problem = "tags and directives are not allowed; take them out"
		case token.DocumentHeaderType:
			if tok.Prev != nil && tok.Prev.Type != token.CommentType {
				problem = "a second document is not allowed; keep one"
			}
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.MappingValueType, token.SequenceEntryType:
			indents = nest(indents, tok)
		default:
		}
		if flow+len(indents) > maxDepth {
			problem = fmt.Sprintf("nested deeper than %d; make it flatter", maxDepth)
		}
		if problem != "" {
			return task.Errorf(task.CodeInvalid, "%s:%d: %s", name, tok.Position.Line, problem)
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

// explain turns the parser's error into one line with file, line and, for an
// unknown key, the nearest known one.
func explain(name string, err error, out any) error {
	if unknown, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		key := unknown.Token.Value
		hint := ""
		if near := nearest(key, keys(reflect.TypeOf(out), nil)); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return task.Errorf(task.CodeInvalid, "%s:%d: unknown key %q%s",
			name, unknown.Token.Position.Line, key, hint)
	}
	if at, ok := errors.AsType[yaml.Error](err); ok && at.GetToken() != nil {
		return task.Errorf(task.CodeInvalid, "%s:%d: %s",
			name, at.GetToken().Position.Line, at.GetMessage())
	}
	return task.Errorf(task.CodeInvalid, "%s: %w", name, err)
}

// keys returns all keys that a type knows, at any depth.
func keys(t reflect.Type, found []string) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keys(t.Elem(), found)
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			found = keys(f.Type, append(found, f.Tag.Get("yaml")))
		}
	default:
	}
	return found
}

// nearest returns the key at the smallest edit distance, empty when none is
// close.
func nearest(key string, known []string) string {
	best, limit := "", len(key)/3+1
	for _, k := range slices.Compact(slices.Sorted(slices.Values(known))) {
		if d := distance(key, k); d <= limit {
			best, limit = k, d-1
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
