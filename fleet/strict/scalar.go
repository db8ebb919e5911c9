package strict

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

func isDuration(t reflect.Type) bool { return t == reflect.TypeFor[time.Duration]() }

// scalarOf returns what a scalar node is called and holds.
func scalarOf(node ast.Node) (kind string, value any) {
	switch n := node.(type) {
	case *ast.StringNode:
		return "text", n.Value
	case *ast.LiteralNode:
		return "text", n.Value.Value
	case *ast.IntegerNode:
		switch i := n.Value.(type) {
		case int64:
			return "a number", i
		case uint64:
			if i <= math.MaxInt64 {
				return "a number", int64(i)
			}
		}
		return "a number out of range", nil
	case *ast.FloatNode:
		return "a number", n.Value
	case *ast.BoolNode:
		return "true or false", n.Value
	}
	return "not a plain value", nil
}

// scalar sets text, a number, a boolean or a duration.
func (d *decoder) scalar(node ast.Node, v reflect.Value, at place) {
	kind, value := scalarOf(node)
	if isDuration(v.Type()) {
		text, _ := value.(string)
		span, err := ParseDuration(text)
		if err != nil {
			d.wrong(node, at, "a duration such as 90m, 2h or 5d")
			return
		}
		v.SetInt(int64(span))
		return
	}
	switch v.Kind() {
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			if kind != "not a plain value" {
				d.r.Add(at.path, "is "+kind+", not text", fmt.Sprintf("put it in quotes: %q", node.GetToken().Value))
				return
			}
			d.wrong(node, at, "text")
			return
		}
		d.text(text, v, at)
	case reflect.Bool:
		b, ok := value.(bool)
		if !ok {
			d.wrong(node, at, "true or false")
			return
		}
		v.SetBool(b)
	case reflect.Int:
		i, ok := value.(int64)
		if !ok {
			d.wrong(node, at, "a whole number")
			return
		}
		d.bounds(float64(i), at, "")
		v.SetInt(i)
	case reflect.Float64:
		f, ok := value.(float64)
		if i, whole := value.(int64); whole {
			f, ok = float64(i), true
		}
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
			d.wrong(node, at, "a number")
			return
		}
		d.bounds(f, at, "")
		v.SetFloat(f)
	default:
		d.wrong(node, at, "nothing here")
	}
}

// text sets a string that its tags allow.
func (d *decoder) text(s string, v reflect.Value, at place) {
	if enum := at.tag.Get("enum"); enum != "" {
		words := strings.Split(enum, "|")
		if !slices.Contains(words, s) {
			d.r.Add(at.path, fmt.Sprintf("is %q", s), suggest(s, words))
			return
		}
	}
	if pattern := at.tag.Get("pattern"); pattern != "" {
		if ok, err := regexp.MatchString("^(?:"+pattern+")$", s); err != nil || !ok {
			d.r.Add(at.path, fmt.Sprintf("is %q", s), "write "+at.tag.Get("form"))
			return
		}
	}
	v.SetString(s)
}

// bounds notes a number, or a count of something, beyond min or max.
func (d *decoder) bounds(n float64, at place, of string) {
	lowest, hasMin := number(at.tag.Get("min"))
	highest, hasMax := number(at.tag.Get("max"))
	if (!hasMin || n >= lowest) && (!hasMax || n <= highest) {
		return
	}
	how := "use at least " + at.tag.Get("min")
	switch {
	case hasMin && hasMax:
		how = fmt.Sprintf("use %s to %s", at.tag.Get("min"), at.tag.Get("max"))
	case hasMax:
		how = "use at most " + at.tag.Get("max")
	}
	got := strconv.FormatFloat(n, 'f', -1, 64)
	what := "is " + got
	if of != "" {
		what = "has " + got + " " + of
	}
	d.r.Add(at.path, what, how)
}

func number(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

var errNegative = errors.New("it is negative or longer than ten years")

// ParseDuration reads a duration in Go's form, in which d is a day of 24
// hours.
func ParseDuration(s string) (time.Duration, error) {
	whole := s
	var days time.Duration
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(before)
		if err != nil {
			return 0, fmt.Errorf("reading the days of %q: %w", whole, err)
		}
		if n < 0 || n > 3650 {
			return 0, fmt.Errorf("reading %q: %w", whole, errNegative)
		}
		days, s = time.Duration(n)*24*time.Hour, after
		if s == "" {
			return days, nil
		}
	}
	rest, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("reading %q: %w", whole, err)
	}
	if rest < 0 || days+rest > 3650*24*time.Hour {
		return 0, fmt.Errorf("reading %q: %w", whole, errNegative)
	}
	return days + rest, nil
}
