package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// smokeModel makes one small change, which the judge approves.
const smokeModel = `
steps:
- CHANGE(greet.sh | echo hello | echo hello, world | greet.sh greets the world.)
- JUDGE(yy-yyyyyyy, greet.sh:2)
`

// gate stands before the model: it writes down what is asked, and holds back
// the answers that a test says.
type gate struct {
	next http.Handler

	mu    sync.Mutex
	asked []string
	only  *regexp.Regexp
	open  chan struct{}
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var asked any
	if json.Unmarshal(body, &asked) == nil {
		wait := g.note(text(asked))
		select {
		case <-wait:
		case <-r.Context().Done():
		}
		if r.Context().Err() != nil {
			return // it has been given up
		}
	}
	g.next.ServeHTTP(w, r)
}

// note writes a request down and returns what it has to wait for.
func (g *gate) note(asked string) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, asked)
	if g.only != nil && g.only.MatchString(asked) {
		return g.open
	}
	none := make(chan struct{})
	close(none)
	return none
}

// hold keeps requests that match without an answer until release.
func (g *gate) hold(only *regexp.Regexp) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.only, g.open = only, make(chan struct{})
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.only != nil {
		close(g.open)
		g.only = nil
	}
}

// requests are what the model was asked, each as plain text.
func (g *gate) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.asked)
}

// text is every string of a JSON value on lines of its own.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v + "\n"
	case []any:
		var b strings.Builder
		for _, one := range v {
			b.WriteString(text(one))
		}
		return b.String()
	case map[string]any:
		var b strings.Builder
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(text(v[key]))
		}
		return b.String()
	}
	return ""
}

// The words that abbreviate a model's script:
//
//   - CHANGE(path | old | new | summary)   view, edit, and the two calls of finish
//   - FINISH(status | summary)             both calls of finish
//   - JUDGE(yy-yyyyyyy, path:line)         the judge's ten answers, y, n or - (not
//     applicable), with evidence from the diff
//     VERDICT(yy-yyyyyyy, path:line)         the same, as the object of a step
var (
	changeWord  = regexp.MustCompile(`(?m)^- CHANGE\((.*) \| (.*) \| (.*) \| (.*)\)$`)
	finishWord  = regexp.MustCompile(`(?m)^- FINISH\((.*) \| (.*)\)$`)
	judgeWord   = regexp.MustCompile(`(?m)^- JUDGE\((.*)\)$`)
	verdictWord = regexp.MustCompile(`VERDICT\(([yn-]{10}), ([^)]*)\)`)
)

// spell writes the abbreviations of a script out.
func spell(script string) string {
	script = changeWord.ReplaceAllStringFunc(script, func(word string) string {
		p := changeWord.FindStringSubmatch(word)
		return "- calls: [{name: view, arguments: {path: " + quote(p[1]) + "}}]\n" +
			"- calls: [{name: edit, arguments: {path: " + quote(p[1]) + ", old: " + quote(p[2]) + ", new: " + quote(p[3]) + "}}]\n" +
			finish("done", p[4]) + "\n" + finish("done", p[4])
	})
	script = finishWord.ReplaceAllStringFunc(script, func(word string) string {
		p := finishWord.FindStringSubmatch(word)
		return finish(p[1], p[2])
	})
	script = judgeWord.ReplaceAllString(script, "- judge: true\n  object: VERDICT($1)")
	return verdictWord.ReplaceAllStringFunc(script, func(word string) string {
		p := verdictWord.FindStringSubmatch(word)
		return verdict(p[1], p[2])
	})
}

// quote is text as a string of YAML, in which \n is a line's end.
func quote(text string) string {
	raw, err := json.Marshal(strings.ReplaceAll(text, `\n`, "\n"))
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func finish(status, summary string) string {
	return "- calls: [{name: finish, arguments: {status: " + status + ", summary: " + quote(summary) + "}}]"
}

func verdict(answers, evidence string) string {
	var items []map[string]any
	for i, letter := range answers {
		answer := map[rune]string{'y': "yes", 'n': "no", '-': "na"}[letter]
		items = append(items, map[string]any{
			"id": i + 1, "evidence": []string{evidence}, "answer": answer,
			"reason": fmt.Sprintf("the scripted judge says %s to item %d", answer, i+1),
		})
	}
	object, err := json.Marshal(map[string]any{
		"summary": "the scripted judge has spoken", "items": items, "request": "ok", "revisions": []string{},
	})
	if err != nil {
		panic(err)
	}
	return string(object)
}
