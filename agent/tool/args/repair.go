// Package args turns what a model wrote as arguments of a tool call into
// valid JSON of the tool's schema, or says what is wrong with it.
package args

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxBytes is how long the arguments of one call may be.
const MaxBytes = 256 << 10

// Repair returns the JSON object that raw holds, mending what models get
// wrong: code fences, trailing bytes, raw newlines in strings, trailing
// commas, double encoding. Nothing at all is the empty object.
func Repair(raw string) (json.RawMessage, error) {
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("the arguments are %d bytes long, more than the %d allowed; split the work into several calls", len(raw), MaxBytes)
	}
	if strings.TrimSpace(raw) == "" {
		return json.RawMessage("{}"), nil
	}
	var first error
	for _, mend := range []func(string) string{keep, unfence, relax, decode} {
		raw = mend(raw)
		obj, err := object(raw)
		if err == nil {
			return obj, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// Whole reports whether raw is a complete JSON object as it stands.
func Whole(raw string) bool {
	_, err := object(raw)
	return err == nil
}

func keep(s string) string { return s }

// object returns s if it is exactly one JSON object.
func object(s string) (json.RawMessage, error) {
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		return nil, err
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, errors.New("the arguments are not a JSON object")
	}
	return json.RawMessage(s), nil
}

// unfence drops a code fence and whatever follows the first JSON value.
func unfence(s string) string {
	s = strings.TrimSpace(s)
	if body, ok := strings.CutPrefix(s, "```"); ok {
		if _, rest, ok := strings.Cut(body, "\n"); ok {
			s = rest
		}
		s = strings.TrimSuffix(strings.TrimSpace(s), "```")
	}
	return firstValue(s)
}

func firstValue(s string) string {
	dec := json.NewDecoder(strings.NewReader(s))
	var v json.RawMessage
	if err := dec.Decode(&v); err != nil && !errors.Is(err, io.EOF) || v == nil {
		return s
	}
	return string(v)
}

// relax escapes control bytes inside strings and drops trailing commas.
func relax(s string) string {
	var b bytes.Buffer
	inString, escaped := false, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case inString && escaped:
			escaped = false
			b.WriteByte(c)
		case inString && c == '\\':
			escaped = true
			b.WriteByte(c)
		case inString && c < 0x20:
			fmt.Fprintf(&b, "\\u%04x", c)
		case c == '"':
			inString = !inString
			b.WriteByte(c)
		case !inString && c == ',' && closes(s[i+1:]):
		default:
			b.WriteByte(c)
		}
	}
	return firstValue(b.String())
}

// closes reports whether the next token ends an object or an array.
func closes(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	return rest != "" && (rest[0] == '}' || rest[0] == ']')
}

// decode unwraps an object that was encoded as a JSON string, once more.
func decode(s string) string {
	var inner string
	if json.Unmarshal([]byte(s), &inner) != nil {
		return s
	}
	if Whole(inner) {
		return inner
	}
	return relax(unfence(inner))
}
