package target

import (
	"fmt"
	"strings"
)

// Match reports whether an entity of a software catalog fulfils a predicate:
// keys are dotted paths, values are equal or operators ($in $all $any $not
// $exists $contains $hasPrefix). Text is compared without regard to case, as
// catalogs do.
func Match(predicate, entity any) bool {
	p, ok := predicate.(map[string]any)
	if !ok {
		return equal(predicate, entity)
	}
	for key, want := range p {
		if !matchKey(key, want, entity) {
			return false
		}
	}
	return true
}

// matchKey tests one key of a predicate: an operator on the value itself, or
// the value at a path below it.
func matchKey(key string, want, value any) bool {
	list, _ := want.([]any)
	switch key {
	case "$all":
		for _, inner := range list {
			if !Match(inner, value) {
				return false
			}
		}
		return true
	case "$any":
		for _, inner := range list {
			if Match(inner, value) {
				return true
			}
		}
		return false
	case "$not":
		return !Match(want, value)
	case "$in":
		for _, inner := range list {
			if equal(inner, value) {
				return true
			}
		}
		return false
	case "$exists":
		return (value != nil) == (want == true)
	case "$contains":
		items, _ := value.([]any)
		for _, item := range items {
			if Match(want, item) {
				return true
			}
		}
		return false
	case "$hasPrefix":
		return strings.HasPrefix(strings.ToLower(fmt.Sprint(value)), strings.ToLower(fmt.Sprint(want)))
	}
	return Match(want, at(value, key))
}

// at returns the value at a dotted path. Keys may hold dots themselves, as
// those of annotations do, so the longest match is tried first.
func at(value any, dotted string) any {
	m, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	for end := len(dotted); end > 0; end = strings.LastIndexByte(dotted[:end], '.') {
		inner, ok := m[dotted[:end]]
		if !ok {
			continue
		}
		if end == len(dotted) {
			return inner
		}
		return at(inner, dotted[end+1:])
	}
	return nil
}

// equal compares plain values; a list equals a value that it holds.
func equal(want, got any) bool {
	if items, ok := got.([]any); ok {
		for _, item := range items {
			if equal(want, item) {
				return true
			}
		}
		return false
	}
	if want == nil || got == nil {
		return want == got
	}
	switch want.(type) {
	case map[string]any, []any:
		return false
	}
	return strings.EqualFold(fmt.Sprint(want), fmt.Sprint(got))
}
