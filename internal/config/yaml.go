package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"honk/internal/config/yamlguard"
	"honk/internal/nearest"
	"honk/internal/task"
)

// decode parses one YAML document strictly into out, a pointer to a struct.
// The bytes may be hostile: what could expand or nest without bound is
// refused before the parser sees it.
func decode(name string, data []byte, max int, out any) error {
	if len(data) > max {
		return task.Errorf(task.CodeInvalid, "%s has %d bytes; at most %d are read", name, len(data), max)
	}
	if found := yamlguard.Check(data, nil); found != nil {
		return task.Errorf(task.CodeInvalid, "%s:%d: %s; %s", name, found.Line, found.What, found.How)
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

// explain turns the parser's error into one line with file, line and, for an
// unknown key, the nearest known one.
func explain(name string, err error, out any) error {
	if unknown, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		key := unknown.Token.Value
		hint := ""
		if near := nearest.Word(key, keys(reflect.TypeOf(out), nil)); near != "" {
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
