package strict

import (
	"reflect"
	"strconv"
	"strings"
)

// fill sets what the default tags of a struct say, in all structs within it.
func fill(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	for _, field := range reflect.VisibleFields(v.Type()) {
		if !field.IsExported() {
			continue
		}
		f, text := v.FieldByIndex(field.Index), field.Tag.Get("default")
		if text == "" {
			fill(f)
			continue
		}
		switch {
		case isDuration(f.Type()):
			if d, err := ParseDuration(text); err == nil {
				f.SetInt(int64(d))
			}
		case f.Kind() == reflect.String:
			f.SetString(text)
		case f.Kind() == reflect.Bool:
			f.SetBool(text == "true")
		case f.Kind() == reflect.Int:
			if n, err := strconv.Atoi(text); err == nil {
				f.SetInt(int64(n))
			}
		case f.Kind() == reflect.Slice:
			f.Set(reflect.ValueOf(strings.Split(text, "|")))
		}
	}
}
