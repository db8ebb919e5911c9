package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decoder turns nodes into values. It goes on after a problem, to find all.
type decoder struct{ r *Report }

// place is where in the document a value stands, and the tags of its field.
type place struct {
	path string
	tag  reflect.StructTag
}

func (p place) key(name string, tag reflect.StructTag) place {
	return place{path: strings.TrimPrefix(p.path+"."+name, "."), tag: tag}
}

// item is an element of a list or map, which keeps the rules of the whole.
func (p place) item(i int) place {
	return place{path: fmt.Sprintf("%s[%d]", p.path, i), tag: p.tag}
}

// value sets v from a node.
func (d *decoder) value(node ast.Node, v reflect.Value, at place) {
	if isNull(node) {
		d.r.Add(at.path, "is empty", "give it a value or take the key out")
		return
	}
	if isDuration(v.Type()) {
		d.scalar(node, v, at)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		fill(fresh.Elem())
		d.value(node, fresh.Elem(), at)
		v.Set(fresh)
	case reflect.Struct:
		d.object(node, v, at)
	case reflect.Slice:
		d.list(node, v, at)
	case reflect.Map:
		d.table(node, v, at)
	case reflect.Interface:
		d.free(node, v, at)
	default:
		d.scalar(node, v, at)
	}
}

// entries returns the pairs of a mapping, after noting keys that occur twice.
func (d *decoder) entries(node ast.Node, at place) ([]*ast.MappingValueNode, bool) {
	var pairs []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		d.wrong(node, at, "a mapping of keys to values")
		return nil, false
	}
	seen := map[string]int{}
	kept := pairs[:0:0]
	for _, pair := range pairs {
		name, line := keyOf(pair), pair.Key.GetToken().Position.Line
		if first, ok := seen[name]; ok {
			d.r.add(Problem{
				File: d.r.file, Line: line, Path: at.key(name, "").path,
				What: fmt.Sprintf("is already given on line %d", first), How: "keep one",
			})
			continue
		}
		seen[name] = line
		kept = append(kept, pair)
	}
	return kept, true
}

func keyOf(pair *ast.MappingValueNode) string {
	if s, ok := pair.Key.(*ast.StringNode); ok {
		return s.Value
	}
	return pair.Key.GetToken().Value
}

// object sets a struct from a mapping.
func (d *decoder) object(node ast.Node, v reflect.Value, at place) {
	pairs, ok := d.entries(node, at)
	if !ok {
		return
	}
	given := map[string]bool{}
	for _, pair := range pairs {
		name := keyOf(pair)
		given[name] = true
		inner := at.key(name, "")
		line := pair.Key.GetToken().Position.Line
		field, known := fieldOf(v.Type(), name)
		if !known {
			d.r.add(Problem{
				File: d.r.file, Line: line, Path: at.path,
				What: fmt.Sprintf("has an unknown key %q", name), How: suggest(name, keys(v.Type())),
			})
			continue
		}
		d.r.lines[inner.path] = line
		inner.tag = field.Tag
		d.value(pair.Value, v.FieldByIndex(field.Index), inner)
	}
	for _, field := range reflect.VisibleFields(v.Type()) {
		if name := field.Tag.Get("yaml"); field.Tag.Get("req") == "true" && !given[name] {
			d.r.Add(at.path, fmt.Sprintf("lacks %q", name), "add it"+about(field.Tag))
		}
	}
}

// about returns what a key is for, to follow a remedy.
func about(tag reflect.StructTag) string {
	if doc := tag.Get("doc"); doc != "" {
		return ": " + lowerFirst(strings.TrimSuffix(doc, "."))
	}
	return ""
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' || len(s) > 1 && s[1] == ' ' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// list sets a slice from a sequence.
func (d *decoder) list(node ast.Node, v reflect.Value, at place) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		d.wrong(node, at, "a list")
		return
	}
	d.bounds(float64(len(seq.Values)), at, "entries")
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		inner := at.item(i)
		inner.tag = withoutBounds(inner.tag)
		if item != nil && item.GetToken() != nil {
			d.r.lines[inner.path] = item.GetToken().Position.Line
		}
		fill(out.Index(i))
		d.value(item, out.Index(i), inner)
	}
	v.Set(out)
}

// withoutBounds keeps of a list's tags those that hold for its entries.
func withoutBounds(tag reflect.StructTag) reflect.StructTag {
	var kept []string
	for _, name := range []string{"enum", "pattern", "form", "doc"} {
		if value := tag.Get(name); value != "" {
			kept = append(kept, fmt.Sprintf("%s:%q", name, value))
		}
	}
	return reflect.StructTag(strings.Join(kept, " "))
}

// table sets a map whose keys are text.
func (d *decoder) table(node ast.Node, v reflect.Value, at place) {
	pairs, ok := d.entries(node, at)
	if !ok {
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, pair := range pairs {
		inner := at.key(keyOf(pair), withoutBounds(at.tag))
		d.r.lines[inner.path] = pair.Key.GetToken().Position.Line
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(pair.Value, value, inner)
		out.SetMapIndex(reflect.ValueOf(keyOf(pair)), value)
	}
	v.Set(out)
}

// free sets an interface to what the node says: text, numbers, booleans,
// []any and map[string]any.
func (d *decoder) free(node ast.Node, v reflect.Value, at place) {
	var out any
	switch n := node.(type) {
	case *ast.SequenceNode:
		var list []any
		d.list(n, reflect.ValueOf(&list).Elem(), at)
		out = list
	case *ast.MappingNode, *ast.MappingValueNode:
		var table map[string]any
		d.table(n, reflect.ValueOf(&table).Elem(), at)
		out = table
	default:
		_, out = scalarOf(node)
	}
	if out != nil {
		v.Set(reflect.ValueOf(out))
	}
}

// wrong notes that a node is of another kind than it should be.
func (d *decoder) wrong(node ast.Node, at place, want string) {
	kind, _ := scalarOf(node)
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		kind = "a mapping"
	case *ast.SequenceNode:
		kind = "a list"
	}
	d.r.Add(at.path, "is "+kind, "write "+want+about(at.tag))
}

// fieldOf returns the field of a struct for a key.
func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if key := f.Tag.Get("yaml"); key == name && key != "-" && key != "" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// keys returns the keys of a struct, sorted.
func keys(t reflect.Type) []string {
	var found []string
	for _, f := range reflect.VisibleFields(t) {
		if key := f.Tag.Get("yaml"); key != "-" && key != "" {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}
