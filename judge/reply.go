package judge

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"honk/internal/llm"
	"honk/internal/secret"
	"honk/judge/diff"
)

// toolName is the tool by which a model without structured output answers.
const toolName = "submit_verdict"

// verdictSchema is the shape of an answer; evidence stands before the answer
// so that it is found first.
const verdictSchema = `{"type":"object","additionalProperties":false,"required":["items","request","revisions","summary"],"properties":{` +
	`"items":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["id","evidence","reason","answer"],"properties":{` +
	`"id":{"type":"integer"},"evidence":{"type":"array","items":{"type":"string"}},"reason":{"type":"string"},"answer":{"type":"string","enum":["yes","no","na"]}}}},` +
	`"request":{"type":"string","enum":["ok","unsafe","unfulfillable"]},"revisions":{"type":"array","items":{"type":"string"}},"summary":{"type":"string"}}}`

const (
	itemCount    = 10
	revisionsMax = 5
)

// reply is what the model answers.
type reply struct {
	Items     []Item   `json:"items"`
	Request   string   `json:"request"`
	Revisions []string `json:"revisions"`
	Summary   string   `json:"summary"`
}

// gating reports whether approval needs the item; the others are printed.
func gating(id int) bool { return id <= 5 || id == 7 || id == 10 }

// mayBeNA reports whether an item may have no object.
func mayBeNA(id int) bool { return id != 1 && id != 2 && id != 4 }

// holds reports whether the item does not stand against approval.
func (it Item) holds() bool {
	return !gating(it.ID) || it.Answer == Yes || it.Answer == NA && mayBeNA(it.ID)
}

var fenced = regexp.MustCompile("(?s)```(?:json)?\\s*(\\{.*\\})\\s*```")

// payload returns the JSON of an answer, wherever the model put it.
func payload(m llm.Message) (string, error) {
	for _, c := range m.Calls {
		if c.Name == toolName {
			if len(m.Calls) > 1 {
				return "", errors.New("more than one call; call submit_verdict once")
			}
			return c.Arguments, nil
		}
	}
	if len(m.Calls) > 0 {
		return "", fmt.Errorf("there is no tool %q; call submit_verdict", m.Calls[0].Name)
	}
	text := strings.TrimSpace(m.Content)
	if found := fenced.FindStringSubmatch(text); found != nil {
		return found[1], nil
	}
	return text, nil
}

// decode reads an answer and holds it against the rules.
func decode(m llm.Message, files []*diff.File, partial bool) (reply, error) {
	var r reply
	text, err := payload(m)
	if err != nil {
		return r, err
	}
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&r); err != nil {
		return r, fmt.Errorf("the answer is no JSON object of the asked shape: %w", err)
	}
	if dec.More() {
		return r, errors.New("there is text after the JSON object")
	}
	return r, r.validate(files, partial)
}

func (r *reply) validate(files []*diff.File, partial bool) error {
	if r.Request == "" {
		r.Request = "ok"
	}
	if !slices.Contains([]string{"ok", "unsafe", "unfulfillable"}, r.Request) {
		return fmt.Errorf("request is %.40q; give ok, unsafe or unfulfillable", r.Request)
	}
	seen := map[int]bool{}
	for i := range r.Items {
		it := &r.Items[i]
		switch {
		case it.ID < 1 || it.ID > itemCount:
			return fmt.Errorf("there is no item %d; give the ids 1 to 10 once each", it.ID)
		case seen[it.ID]:
			return fmt.Errorf("item %d occurs twice; give the ids 1 to 10 once each", it.ID)
		case it.Answer != Yes && it.Answer != No && it.Answer != NA:
			return fmt.Errorf("item %d is answered %.20q; answer yes, no or na", it.ID, it.Answer)
		case it.Answer == NA && !mayBeNA(it.ID) && !(partial && it.ID == 1):
			return fmt.Errorf("item %d cannot be na", it.ID)
		case it.ID == 1 && it.Answer == Yes && len(it.Evidence) == 0:
			return errors.New("item 1 is answered yes without evidence; cite the lines that do it")
		}
		seen[it.ID] = true
		for _, cite := range it.Evidence {
			if !cited(files, cite) {
				return fmt.Errorf("item %d cites %.200q, which is no line of the diff; cite path:number of a line shown", it.ID, cite)
			}
		}
		it.Reason = secret.Clean(it.Reason, 500)
	}
	if len(seen) != itemCount {
		return fmt.Errorf("%d of 10 items are answered; give the ids 1 to 10 once each", len(seen))
	}
	slices.SortFunc(r.Items, func(a, b Item) int { return a.ID - b.ID })
	r.Summary = oneLine(r.Summary)
	r.Revisions = r.Revisions[:min(len(r.Revisions), revisionsMax)]
	for i := range r.Revisions {
		r.Revisions[i] = secret.Clean(r.Revisions[i], 500)
	}
	return nil
}

func oneLine(s string) string { return secret.Clean(strings.Join(strings.Fields(s), " "), 300) }

// cited reports whether a citation lies inside the diff.
func cited(files []*diff.File, cite string) bool {
	name, span, ok := cutLast(strings.TrimSpace(cite), ':')
	if !ok {
		return false
	}
	from, to, isRange := strings.Cut(span, "-")
	first, err := strconv.Atoi(from)
	if err != nil {
		return false
	}
	last := first
	if isRange {
		if last, err = strconv.Atoi(to); err != nil || last < first {
			return false
		}
	}
	for _, f := range files {
		if f.Path == strings.TrimPrefix(name, "./") && f.Cites(first) && f.Cites(last) {
			return true
		}
	}
	return false
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// decide weighs the answers. It is code, not the model, that says approve.
func (r reply) decide() Verdict {
	v := Verdict{Items: r.Items, Summary: r.Summary}
	switch failing := v.failing(); {
	case r.Request != "ok":
		v.Decision = Reject
		if v.Summary == "" {
			v.Summary = "The request is " + r.Request + "."
		}
	case len(failing) == 0:
		v.Decision = Approve
		if v.Summary == "" {
			v.Summary = "The change does what was requested."
		}
	default:
		v.Decision = DecideRevise
		v.Revisions = r.Revisions
		if len(v.Revisions) == 0 {
			for _, id := range failing[:min(len(failing), revisionsMax)] {
				v.Revisions = append(v.Revisions, r.Items[id-1].Reason)
			}
		}
		if v.Summary == "" {
			v.Summary = fmt.Sprintf("%d of the rubric's items are not met.", len(failing))
		}
	}
	return v
}
