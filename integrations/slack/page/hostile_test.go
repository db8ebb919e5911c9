package page_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"honk/integrations/slack/mrkdwn"
	"honk/integrations/slack/page"
	"honk/integrations/slack/slacktest/blockkit"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// hostile are words that want to do something in Slack.
var hostile = map[string]string{
	"mention":   "<@U0VICTIM> <!channel> <!here> <!everyone> <!subteam^S0VICTIM> <#C0VICTIM> @channel @here @everyone",
	"link":      "<https://evil.test/|click> <https://evil.test> [click](https://evil.test) <mailto:a@evil.test|mail>",
	"closing":   "a|b> <https://evil.test|c> *<https://evil.test|d>* `<!channel>`",
	"entities":  "&lt;!channel&gt; &amp;lt;!here&amp;gt; &#60;!here&#62;",
	"marks":     "*EVIL* _EVIL_ ~EVIL~ `EVIL` ```EVIL``` *_~EVIL~_*",
	"lines":     "x\n> EVIL\n>>> EVIL\n*EVIL*\n```\nEVIL",
	"emoji":     ":white_check_mark: approved :tada::+1:",
	"invisible": "a\u202Eb\u200Bc\u2066d\U000E0041e\x1b[31mf <\u200B!channel> @\u200Bhere",
	"rtl":       "\u05e9\u05dc\u05d5\u05dd \u202E\u0645\u0631\u062d\u0628\u0627 <!here>",
	"long":      strings.Repeat("all work and no play ", 2500),
	"escapes":   strings.Repeat("<&>*_`~|:a:@here", 3200),
	"astral":    strings.Repeat("👍<", 2000),
	"short":     strings.Repeat("<\n`", 4000),
	"invalid":   "a\xff\xfeb" + strings.Repeat("\xf0", 100),
	"id":        "U0VICTIM",
	"date":      "<!date^1^{date}^https://evil.test|x>",
	"address":   "https://evil.test/acme/api/pull/1?|<>",
	"script":    "javascript:alert(1)",
	"user info": "https://acme.io@evil.test/acme/api/pull/1",
}

// smeared puts words everywhere where somebody's words can stand.
func smeared(words string, status task.Status) runner.View {
	many := slices.Repeat([]string{words}, 60)
	t := newTask(status)
	t.ID = task.ID(words)
	req := &t.Request
	req.Prompt, req.Actor.Login, req.Options.Model, req.Ref, req.Options.PullRequest = words, words, words, words, words
	req.Repo = task.Repo{Host: words, Owner: words, Name: words, URL: words}
	req.Origin = task.Origin{Asker: words, Reason: words, URL: words, Thread: words}
	v := runner.View{Task: t, Waiting: words, Ahead: 1 << 40, Step: 1 << 40, CostUSD: 1e12, Elapsed: 1 << 60}
	for _, name := range []string{"checkout", "change", "verify", words} {
		v.Phases = append(v.Phases, task.PhaseData{Phase: name, Detail: words})
	}
	if !status.Final() {
		return v
	}
	var g verify.Gate
	for i := range 60 {
		res := verify.Result{
			Name: fmt.Sprint(i, words[:min(len(words), 200)]), Command: words, Kind: verify.Test, Status: verify.Broken,
			Reason: words, Output: words, TestsKnown: true, TestsRun: 1 << 40,
		}
		if i%2 == 0 {
			res.Status = verify.Pass
		}
		g.Report.Results = append(g.Report.Results, res)
		g.New = append(g.New, verify.Finding{Verifier: res.Name, File: words, Line: 3, TestID: words, Message: words})
		red := res
		red.Status = verify.Fail
		g.Base.Results = append(g.Base.Results, red)
	}
	g.Checked, g.Reasons, g.Notes, g.Flaky, g.Vanished = 30, many, many, many, many
	v.Result = &runner.Result{
		Outcome: task.Outcome{
			Status: status, Summary: words, Err: task.Errorf(task.CodeInvalid, "%s", words),
			Usage:       task.Usage{Steps: 1 << 40, CostUSD: 1e12},
			PullRequest: &task.PullRequest{Number: 1 << 40, URL: words, Branch: words, Base: words},
		},
		Patch: patch, Gate: g, Branch: words,
		Verdict: judge.Verdict{Decision: judge.Reject, Summary: words, Revisions: many, Flags: many},
	}
	for range 60 {
		v.Result.Checks = append(v.Result.Checks, judge.Finding{Check: words, Severity: judge.Veto, File: words, Line: 1, Message: words})
		v.Result.Verdict.Items = append(v.Result.Verdict.Items, judge.Item{Answer: judge.Answer(words), Reason: words, Evidence: many})
	}
	return v
}

// everything is all that can be said about words.
func everything(p *page.Pages, words string) map[string]any {
	many := slices.Repeat([]string{words}, 300)
	out := map[string]any{
		"form": p.Ask(page.AskForm{Channel: words, TS: words, Text: words, Repos: many, Repo: words}),
		"near": p.NearMiss(task.Errorf(task.CodeInvalid, "%s", words)), "scope": p.MissingScope(task.Errorf(task.CodeForbidden, "%s", words)),
		"help": p.Help(words), "unlinked": p.Unlinked(words), "access": p.NoAccess(words, words), "installed": p.NotInstalled(words, words),
		"channel": p.NotInChannel(words), "settings": p.Settings(words, false), "fixed": p.Settings(words, true), "done": p.SettingsDone(words),
		"command": p.UnknownCommand("<@" + words + ">"), "change": p.ChangeRepository(task.ID(words), many),
	}
	q := page.Question{Key: words, Asker: words, Prompt: words, Guess: words, Reason: words, Repos: many, More: 1 << 40, Wait: time.Minute}
	out["question"], out["chosen"], out["withdrawn"] = p.Question(q), p.Chosen(q, words, words), p.Withdrawn(q, words)
	q.Guess, q.Repos = "acme/api", []string{"acme/api", words, "acme/" + strings.Repeat("x", 90)}
	out["guessed"] = p.Question(q)
	var all []runner.View
	for _, s := range []task.Status{
		task.StatusQueued, task.StatusRunning, task.StatusDelivered, task.StatusNoChange, task.StatusBlocked, task.StatusVerifyFailed,
		task.StatusVetoed, task.StatusBudgetExhausted, task.StatusFailed, task.StatusCancelled, "odd",
	} {
		v := smeared(words, s)
		all = append(all, v)
		name := string(s)[:min(len(s), 10)]
		out["task "+name], out["closing "+name] = p.Task(v), p.Closing(v)
		if s == task.StatusRunning || s == task.StatusDelivered || s == task.StatusVetoed {
			out["details "+name] = p.Details(v) // the same for every end
		}
	}
	pushed := smeared(words, task.StatusDelivered)
	pushed.Result.PullRequest.Number = 0
	out["task pushed"], out["closing pushed"] = p.Task(pushed), p.Closing(pushed)
	judged := smeared(words, task.StatusVetoed)
	judged.Result.Checks, judged.Result.Verdict.Revisions = nil, nil
	cancelled := smeared("Cancelled by "+words, task.StatusCancelled)
	cancelled.Result.Err.Code = task.CodeCancelled
	out["task judged"], out["task cancelled by"] = p.Task(judged), p.Task(cancelled)
	out["home"], out["status"] = p.Home(slices.Repeat(all, 3), words), p.Status(all)
	return out
}

func TestHostile(t *testing.T) {
	t.Parallel()
	p := newPages(t, fullOptions())
	for name, words := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, made := range everything(p, words) {
				accept(t, kind, made)
				checkHostile(t, kind, made)
			}
		})
	}
}

var (
	// tokens matches what Slack makes something of.
	tokens = regexp.MustCompile(`<[^>]*>?`)
	codes  = regexp.MustCompile("(?s)```\n.*?\n```|`[^`\n]*`")
	// alive matches words that are bold, quoted, code or a picture.
	alive = regexp.MustCompile("(?:^|[^A-Za-z0-9])[*_~`]+EVIL|(?m:^>>* ?EVIL.*EVIL)|:(?:white_check_mark|tada|\\+1):|(?i)(?:^|[^a-z0-9])@(?:channel|here|everyone)")
)

// checkHostile fails where a text does more than be read.
func checkHostile(t *testing.T, name string, made any) {
	t.Helper()
	raw := encode(t, made)
	if !utf8.Valid(raw) {
		t.Errorf("%s is no UTF-8", name)
	}
	var top struct {
		Text   *string         `json:"text"`
		Blocks json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		t.Fatal(err)
	}
	if top.Text != nil && (*top.Text == "" || strings.ContainsAny(*top.Text, "<>") || mrkdwn.Length(*top.Text) > 3000 || alive.MatchString(codes.ReplaceAllString(*top.Text, ""))) {
		t.Errorf("%s: its text is %q", name, cut(*top.Text))
	}
	var blocks any
	if err := json.Unmarshal(top.Blocks, &blocks); err != nil {
		t.Fatal(err)
	}
	for _, text := range markup(blocks) {
		if secret.Clean(text, 0) != text || mrkdwn.Length(text) > 3000 {
			t.Errorf("%s: not clean, or %d characters: %q", name, mrkdwn.Length(text), cut(text))
		}
		for _, token := range tokens.FindAllString(text, -1) {
			if !ours(token) {
				t.Errorf("%s: %q in %q", name, cut(token), cut(text))
			}
		}
		if hit := alive.FindString(codes.ReplaceAllString(text, "")); hit != "" {
			t.Errorf("%s: %q in %q", name, hit, cut(text))
		}
		if rest := codes.ReplaceAllString(text, ""); strings.Contains(rest, "`") {
			t.Errorf("%s: code is open in %q", name, cut(text))
		}
	}
	buttons := 0
	for _, e := range blockkit.Elements(top.Blocks) {
		if e.Kind == "button" {
			buttons++
		}
		if e.URL != "" && !ours("<"+e.URL+"|>") {
			t.Errorf("%s: a button leads to %q", name, e.URL)
		}
		for _, o := range blockkit.Options(e.Raw) {
			if value, _ := o["value"].(string); !regexp.MustCompile(`^[A-Za-z0-9._/-]+$`).MatchString(value) {
				t.Errorf("%s: one can choose %q", name, value)
			}
		}
	}
	if buttons > 5 {
		t.Errorf("%s has %d buttons", name, buttons)
	}
}

// ours reports whether a token is one that code may make.
func ours(token string) bool {
	address, _, ok := strings.Cut(strings.TrimPrefix(token, "<"), "|")
	if !ok {
		return token == "<@U0VICTIM>" // who asked has that ID in one case
	}
	u, err := url.Parse(address)
	// A task's host is from the configuration.
	return strings.HasPrefix(token, "<!date^1795834800^{") || err == nil && u.Scheme == "https" && (u.Host == "honk.acme.io" || u.Host == "U0VICTIM")
}

// markup returns the texts in which Slack looks for markup.
func markup(value any) []string {
	var out []string
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			out = append(out, markup(one)...)
		}
	case map[string]any:
		if text, ok := v["text"].(string); ok && v["type"] == "mrkdwn" {
			out = append(out, text)
		}
		for _, one := range v {
			out = append(out, markup(one)...)
		}
	}
	return out
}

func cut(text string) string { return text[:min(len(text), 600)] }

func TestSecrets(t *testing.T) {
	t.Parallel()
	p := newPages(t, fullOptions())
	github := "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
	slow := "zX9kQ2mV7bN4cR8tY1wP5sD3fG6hJ0aL"
	for _, words := range []string{
		"use " + known + " and " + github + " here", "use ghp_**" + github[4:] + "**", "sk-\u200Bcanary-5c1e9f27ab40",
		base64.StdEncoding.EncodeToString([]byte(known)), `api_key = "` + slow + `"`,
	} {
		for kind, made := range everything(p, words) {
			// Where a form is about, the door says, and nobody reads it.
			raw := regexp.MustCompile(`"(?:private_metadata|value|block_id)": "[^\n]*`).ReplaceAllString(string(encode(t, made)), "")
			for _, part := range []string{"canary", github[4:20], slow[:12], words[4:12]} {
				if strings.Contains(raw, part) {
					t.Errorf("%s of %q holds %q:\n%s", kind, words, part, cut(raw[max(0, strings.Index(raw, part)-200):]))
				}
			}
		}
	}
}

// Only addresses that are to be trusted become buttons.
func TestTask_address(t *testing.T) {
	t.Parallel()
	p := newPages(t, page.Options{})
	for address, want := range map[string]bool{
		pull: true, "https://git.acme.io/acme/api/pull/812": true, "http://127.0.0.1:8080/acme/api/pull/812": true,
		"http://github.com/acme/api/pull/812": false, "https://github.com/acme/web/pull/812": false, "https://github.com/acme/api": false,
		"https://a:b@github.com/acme/api/pull/812": false, "https://github.com/acme/api/pull/812?x=<!channel>": false, "": false,
		"javascript:alert(1)//acme/api/pull/812": false,
	} {
		v := views()["delivered"]
		v.Result.PullRequest.URL = address
		v.Task.Request.Repo.Host = "git.acme.io"
		if u, err := url.Parse(address); err == nil {
			v.Task.Request.Repo.Host = u.Host
		}
		raw := string(encode(t, p.Task(v)))
		if got := strings.Contains(raw, `"url": "`+address+`"`); got != want {
			t.Errorf("%q is a button: %v\n%s", address, got, raw)
		}
	}
}
