package parse

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
)

// JUnit reads JUnit XML, the tongue of pytest, surefire, gradle and many
// more. A report that ends in the middle counts as far as it goes.
func JUnit(reports ...[]byte) Reading {
	j := junit{ids: map[string]int{}}
	for _, raw := range reports {
		j.file(raw)
	}
	if j.seen {
		j.reading.Tests = &j.tests
	}
	return j.reading
}

type junit struct {
	reading Reading
	tests   Tests
	seen    bool
	ids     map[string]int
}

func (j *junit) file(raw []byte) {
	// Entities beyond the five of XML are never expanded by this decoder.
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		tok, err := d.Token()
		if err != nil {
			return
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "testsuites", "testsuite":
			j.seen = true
		case "testcase":
			j.seen = true
			if !j.testcase(d, start) {
				return
			}
		}
	}
}

func (j *junit) testcase(d *xml.Decoder, start xml.StartElement) bool {
	c := junitCase{name: attr(start, "name"), class: attr(start, "classname"), file: attr(start, "file")}
	for {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		switch el := tok.(type) {
		case xml.EndElement:
			j.record(c)
			return true
		case xml.StartElement:
			text, err := content(d)
			if err != nil {
				return false
			}
			switch el.Name.Local {
			case "failure", "error":
				c.failed = true
				c.message, c.text = attr(el, "message"), text
			case "skipped":
				c.skipped = true
			}
		}
	}
}

// content returns the text of an element, to its end.
func content(d *xml.Decoder) (string, error) {
	var out strings.Builder
	for depth := 1; depth > 0; {
		tok, err := d.Token()
		if err != nil {
			return "", err
		}
		switch el := tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if out.Len() < maxTestOutput {
				out.Write(el)
			}
		}
	}
	return out.String(), nil
}

func attr(el xml.StartElement, name string) string {
	for _, a := range el.Attr {
		if a.Name.Local == name {
			return cleanLine(strings.ReplaceAll(a.Value, "\n", " "))
		}
	}
	return ""
}

type junitCase struct {
	name, class, file, message, text string
	failed, skipped                  bool
}

// id is pytest's node ID where the file is known, else "class.name".
func (c junitCase) id() string {
	module, isPython := strings.CutSuffix(c.file, ".py")
	if !isPython {
		return strings.TrimPrefix(c.class+"."+c.name, ".")
	}
	class := strings.TrimPrefix(c.class, strings.ReplaceAll(module, "/", "."))
	id := []string{c.file}
	if class = strings.Trim(class, "."); class != "" {
		id = append(id, strings.Split(class, ".")...)
	}
	return strings.Join(append(id, c.name), "::")
}

func (j *junit) record(c junitCase) {
	if c.skipped && !c.failed {
		j.tests.Skips++
		return
	}
	f := Finding{File: c.file}
	text := Clean([]byte(c.text))
	if c.failed {
		f.File, f.Line = framePlace(c, text)
		f.Message = frameMessage(c.message, text)
	}
	if c.failed && c.class == "" {
		// pytest reports a file that it could not import as a case.
		f.Rule = "collection " + c.name
		j.reading.add(f)
		return
	}
	id := c.id()
	// A set-up error follows the test's own case under the same name.
	if j.ids[id]++; j.ids[id] == 1 {
		j.tests.ran(id, !c.failed)
	} else if !c.failed {
		return
	}
	if c.failed {
		f.TestID = id
		j.reading.add(f)
	}
}

var (
	pythonFrame = regexp.MustCompile(`(?m)^([^\s:]+\.py):(\d+):`)
	javaFrame   = regexp.MustCompile(`\(([A-Za-z0-9_$]+\.(?:java|kt|groovy|scala)):(\d+)\)`)
)

// framePlace finds where a test failed: the last Python frame of the
// repository, or the first Java frame in the test's own class.
func framePlace(c junitCase, text string) (file string, line int) {
	f := Finding{}
	if all := pythonFrame.FindAllStringSubmatch(text, -1); len(all) > 0 {
		for _, m := range all {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "..") {
				f.File = ""
				f.place(m[1], m[2])
			}
		}
	}
	simple := c.class[strings.LastIndexByte(c.class, '.')+1:]
	for _, m := range javaFrame.FindAllStringSubmatch(text, -1) {
		if name, _, _ := strings.Cut(m[1], "."); simple == name || strings.HasPrefix(simple, name+"$") {
			f.place(m[1], m[2])
		}
	}
	if f.File == "" {
		return c.file, 0
	}
	return f.File, f.Line
}

// frameMessage prefers pytest's "E" lines, then the message with the frames
// that are not the test machinery's.
func frameMessage(message, text string) string {
	var errs, rest []string
	for line := range strings.SplitSeq(text, "\n") {
		if e, ok := strings.CutPrefix(line, "E "); ok {
			errs = append(errs, strings.TrimSpace(e))
		}
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "at ") && foreignFrame.MatchString(trimmed) {
			continue
		}
		rest = append(rest, line)
	}
	if len(errs) > 0 {
		// The exception's name comes last after a quoted source.
		if last := errs[len(errs)-1]; strings.HasPrefix(errs[0], "File ") {
			errs = append([]string{last}, errs[:len(errs)-1]...)
		}
		return strings.Join(errs, "\n")
	}
	out := strings.Join(rest, "\n")
	if message != "" && !strings.Contains(out, message) {
		out = message + "\n" + out
	}
	if out = strings.TrimSpace(out); out == "" {
		return "failed without a message"
	}
	return out
}

var foreignFrame = regexp.MustCompile(`^at (?:[\w.]+/)?(?:java|jdk|sun|org\.junit|org\.apache\.maven|org\.gradle|junit|kotlin|scala|org\.scalatest|org\.testng)\.|node:internal|node_modules`)
