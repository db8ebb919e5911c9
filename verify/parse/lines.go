package parse

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/reviewdog/errorformat"
	"github.com/reviewdog/errorformat/fmts"
)

// positions are the formats most compilers share.
var positions = []string{`%f:%l:%c: %m`, `%f:%l:%c %m`, `%f:%l: %m`}

var (
	// trailingRule is how linters name their rule at the end of a message.
	trailingRule = regexp.MustCompile(`\s+[(\[]([A-Za-z][\w./-]*)[)\]]$`)
	eslintRule   = regexp.MustCompile(`\s{2,}([a-z@][\w@/-]*)$`)
	vetPrefix    = regexp.MustCompile(`(?m)^vet: `)
)

// Lines reads complaints of the form "file:line: message", or of a format
// that errorformat knows by name ("eslint", "mypy", "tsc").
func Lines(format, text string) Reading {
	efm := positions
	if known, ok := fmts.DefinedFmts()[format]; ok {
		efm = known.Errorformat
	}
	var r Reading
	parser, err := errorformat.NewErrorformat(efm)
	if err != nil {
		return r
	}
	seen := map[string]bool{}
	scanner := parser.NewScanner(strings.NewReader(vetPrefix.ReplaceAllString(text, "")))
	for scanner.Scan() && len(r.Findings) < MaxFindings {
		entry := scanner.Entry()
		if !entry.Valid || !looksLikeFile(entry.Filename) {
			continue
		}
		f := Finding{
			File: relative(entry.Filename), Line: entry.Lnum, Col: entry.Col,
			Message: strings.TrimSpace(entry.Text),
		}
		if m := trailingRule.FindStringSubmatch(f.Message); m != nil {
			f.Rule = m[1]
		} else if m := eslintRule.FindStringSubmatchIndex(f.Message); m != nil && format == "eslint" {
			f.Rule, f.Message = f.Message[m[2]:], f.Message[:m[0]]
		} else if entry.Nr > 0 && format == "tsc" {
			f.Rule = "TS" + strconv.Itoa(entry.Nr)
		}
		if mild(entry.Type, f.Message) {
			continue
		}
		key := Sign("", f).Fingerprint
		if f.Message != "" && !seen[key] {
			seen[key] = true
			r.add(f)
		}
	}
	return r
}

// mild reports whether a line is a note or warning, which is not why a check
// fails.
func mild(kind rune, message string) bool {
	return strings.ContainsRune("nNiIwW", kind) && kind != 0 ||
		strings.HasPrefix(message, "note:") || strings.HasPrefix(message, "warning:")
}

// looksLikeFile keeps "Error: foo:3: x" and "http://host:80: x" out.
func looksLikeFile(name string) bool {
	return name != "" && len(name) < 300 && !strings.Contains(name, "://") &&
		!strings.ContainsAny(name, "\t\"'(") && path.Ext(name) != "" &&
		!strings.Contains(path.Ext(name), " ") && !strings.Contains(name, ": ")
}

func relative(name string) string {
	return path.Clean(strings.TrimPrefix(name, "./"))
}
