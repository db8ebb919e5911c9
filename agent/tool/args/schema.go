package args

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// schema is the part of JSON schema that the tools use.
type schema struct {
	Type       string            `json:"type"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Enum       []string          `json:"enum"`
	Minimum    *float64          `json:"minimum"`
	Maximum    *float64          `json:"maximum"`
	Items      *schema           `json:"items"`
}

// Validate holds an object against a schema and returns it with scalars of
// the wrong type put right where that is certain ("12", "true") and nulls of
// optional properties left out. The schema is an object without additional
// properties whose members are scalars or arrays of scalars.
func Validate(schemaJSON, obj json.RawMessage) (json.RawMessage, error) {
	var s schema
	if err := json.Unmarshal(schemaJSON, &s); err != nil {
		return nil, fmt.Errorf("parsing the schema: %w", err)
	}
	in := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(obj))
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(in) {
		prop, ok := s.Properties[name]
		if !ok {
			return nil, fmt.Errorf("there is no parameter %q", name)
		}
		if in[name] == nil && !slices.Contains(s.Required, name) {
			delete(in, name)
			continue
		}
		v, err := prop.coerce(in[name])
		if err != nil {
			return nil, fmt.Errorf("parameter %q %w", name, err)
		}
		in[name] = v
	}
	for _, name := range s.Required {
		if _, ok := in[name]; !ok {
			return nil, fmt.Errorf("parameter %q is missing", name)
		}
	}
	return json.Marshal(in)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// coerce returns v as the schema wants it; its error continues the sentence
// that begins with the parameter's name.
func (s schema) coerce(v any) (any, error) {
	switch s.Type {
	case "string":
		return s.text(v)
	case "integer":
		return s.integer(v)
	case "boolean":
		if t, ok := v.(string); ok && (t == "true" || t == "false") {
			return t == "true", nil
		}
		if t, ok := v.(bool); ok {
			return t, nil
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			break
		}
		for i := range list {
			item, err := s.Items.coerce(list[i])
			if err != nil {
				return nil, fmt.Errorf("element %d %w", i, err)
			}
			list[i] = item
		}
		return list, nil
	}
	return nil, fmt.Errorf("must be of type %s", s.Type)
}

func (s schema) text(v any) (any, error) {
	var t string
	switch v := v.(type) {
	case string:
		t = v
	case json.Number:
		t = v.String()
	case bool:
		t = strconv.FormatBool(v)
	default:
		return nil, fmt.Errorf("must be of type %s", s.Type)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, t) {
		return nil, fmt.Errorf("must be one of %s", strings.Join(s.Enum, ", "))
	}
	return t, nil
}

func (s schema) integer(v any) (any, error) {
	var t string
	switch v := v.(type) {
	case json.Number:
		t = v.String()
	case string:
		t = strings.TrimSpace(v)
	}
	f, err := strconv.ParseFloat(t, 64)
	n := int64(f)
	if err != nil || float64(n) != f {
		return nil, fmt.Errorf("must be of type %s", s.Type)
	}
	if s.Minimum != nil && f < *s.Minimum {
		return nil, fmt.Errorf("must be at least %g", *s.Minimum)
	}
	if s.Maximum != nil && f > *s.Maximum {
		return nil, fmt.Errorf("must be at most %g", *s.Maximum)
	}
	return n, nil
}
