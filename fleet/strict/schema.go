package strict

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// Schema returns the JSON schema of what Decode reads into the type of out,
// indented and with a final newline. title names it.
func Schema(title string, out any) []byte {
	root := schemaOf(reflect.TypeOf(out).Elem(), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = title
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil
	}
	return append(text, '\n')
}

// schemaOf returns the schema of a type whose field has a tag.
func schemaOf(t reflect.Type, tag reflect.StructTag) map[string]any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := map[string]any{}
	switch {
	case isDuration(t):
		s["type"] = "string"
		s["pattern"] = `^([0-9]+d)?([0-9.]+(ns|us|µs|ms|s|m|h))*$`
	case t.Kind() == reflect.Struct:
		objectSchema(t, s)
	case t.Kind() == reflect.Slice:
		s["type"] = "array"
		s["items"] = schemaOf(t.Elem(), withoutDoc(tag))
		bound(s, tag, "minItems", "maxItems")
	case t.Kind() == reflect.Map:
		s["type"] = "object"
		s["additionalProperties"] = schemaOf(t.Elem(), withoutDoc(tag))
	case t.Kind() == reflect.String:
		s["type"] = "string"
		if enum := tag.Get("enum"); enum != "" {
			s["enum"] = strings.Split(enum, "|")
		}
		if pattern := tag.Get("pattern"); pattern != "" {
			s["pattern"] = "^(" + pattern + ")$"
		}
	case t.Kind() == reflect.Bool:
		s["type"] = "boolean"
	case t.Kind() == reflect.Int:
		s["type"] = "integer"
		bound(s, tag, "minimum", "maximum")
	case t.Kind() == reflect.Float64:
		s["type"] = "number"
		bound(s, tag, "minimum", "maximum")
	}
	if doc := tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	if value := tag.Get("default"); value != "" {
		s["default"] = defaultOf(t, value)
	}
	return s
}

// objectSchema adds the properties of a struct.
func objectSchema(t reflect.Type, s map[string]any) {
	properties, required := map[string]any{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		properties[name] = schemaOf(f.Type, f.Tag)
		if f.Tag.Get("req") == "true" {
			required = append(required, name)
		}
	}
	s["type"] = "object"
	s["additionalProperties"] = false
	s["properties"] = properties
	if len(required) > 0 {
		s["required"] = required
	}
}

func withoutDoc(tag reflect.StructTag) reflect.StructTag {
	tag = withoutBounds(tag)
	if doc := tag.Get("doc"); doc != "" {
		return reflect.StructTag(strings.ReplaceAll(string(tag), "doc:"+strconv.Quote(doc), ""))
	}
	return tag
}

func bound(s map[string]any, tag reflect.StructTag, low, high string) {
	if n, ok := number(tag.Get("min")); ok {
		s[low] = n
	}
	if n, ok := number(tag.Get("max")); ok {
		s[high] = n
	}
}

// defaultOf returns a default in the type that the schema gives it.
func defaultOf(t reflect.Type, text string) any {
	switch {
	case isDuration(t):
		return text
	case t.Kind() == reflect.Bool:
		return text == "true"
	case t.Kind() == reflect.Int:
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case t.Kind() == reflect.Slice:
		return strings.Split(text, "|")
	}
	return text
}
