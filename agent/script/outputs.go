package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"honk/sandbox"
)

const (
	// maxOutputs is how large the outputs may be, in bytes.
	maxOutputs = 64 << 10
	// maxDepth is how deep objects and lists may lie in one another.
	maxDepth = 16
	// maxNumber is how long a number may be.
	maxNumber = 64
)

// The ends of the command that reads the outputs.
const (
	exitAbsent    = 3
	exitIrregular = 4
)

// readShell returns what the script left for later steps, nil when it left
// nothing. What is wrong with it is for the script's author. Nothing of the
// script lives any more: what is looked at stays as it is.
func readShell(ctx context.Context, sb sandbox.Sandbox, file string) (out json.RawMessage, problem string, err error) {
	// One byte more than is allowed, and room so that nothing is cut out.
	text := fmt.Sprintf(`[ -L "$1" ] && exit %d; [ -e "$1" ] || exit %d; [ -f "$1" ] || exit %[1]d; exec head -c %[3]d "$1"`,
		exitIrregular, exitAbsent, maxOutputs+1)
	res, err := sb.Exec(ctx, sandbox.Command{
		Args: []string{"/bin/sh", "-c", text, "sh", file}, Timeout: placeTime, MaxOutput: 2 * maxOutputs,
	})
	switch {
	case err != nil:
		return nil, "", err
	case res.ExitCode == exitAbsent:
		return nil, "", nil
	case res.ExitCode == exitIrregular:
		return nil, "is not a regular file", nil
	case res.ExitCode != 0:
		return nil, "cannot be read: " + lastLine(res.Stderr), nil
	}
	return checked(res.Stdout.Bytes())
}

// checked is parseOutputs in which a mistake of the author's is no error.
func checked(data []byte) (out json.RawMessage, problem string, err error) {
	if out, err = parseOutputs(data); err != nil {
		return nil, err.Error(), nil //nolint:nilerr // The author's mistake, which is no error of ours.
	}
	return out, "", nil
}

// parseOutputs checks outputs and writes them anew, so that whoever reads them
// later reads what was checked.
func parseOutputs(data []byte) (json.RawMessage, error) {
	switch {
	case len(data) > maxOutputs:
		return nil, fmt.Errorf("is larger than %d KiB", maxOutputs>>10)
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errors.New("is empty; it must be a JSON object, or not exist")
	case !utf8.Valid(data):
		return nil, errors.New("is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := value(dec, 0)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("is not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one JSON object")
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err = enc.Encode(object)
	return bytes.TrimSpace(out.Bytes()), err
}

// value reads one JSON value inside of depth others.
func value(dec *json.Decoder, depth int) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	switch t := tok.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, fmt.Errorf("is nested more than %d deep", maxDepth)
		}
		if t == '{' {
			return object(dec, depth+1)
		}
		return list(dec, depth+1)
	case json.Number:
		return number(t)
	case string:
		if strings.ContainsRune(t, 0) {
			return nil, errors.New("holds a NUL")
		}
	}
	return tok, nil
}

func object(dec *json.Decoder, depth int) (any, error) {
	out := map[string]any{}
	for dec.More() {
		// Only a string can be here: the decoder refuses other keys.
		key, err := value(dec, depth)
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("holds the key %q twice", name)
		}
		if out[name], err = value(dec, depth); err != nil {
			return nil, err
		}
	}
	return out, closing(dec)
}

func list(dec *json.Decoder, depth int) (any, error) {
	out := []any{}
	for dec.More() {
		v, err := value(dec, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, closing(dec)
}

func closing(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("is not JSON: %w", err)
	}
	return nil
}

// number refuses what readers with numbers of a fixed size, databases among
// them, stumble over. Whole numbers stay as they are.
func number(n json.Number) (any, error) {
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || len(n) > maxNumber {
		return nil, errors.New("holds a number that is too large or too long")
	}
	if strings.ContainsAny(n.String(), ".eE") {
		return f, nil
	}
	return n, nil
}
