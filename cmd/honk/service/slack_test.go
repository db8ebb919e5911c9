package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"honk/integrations/slack/slacktest"
)

const (
	signing  = "slack-signing-secret-77c1"
	botToken = "xoxb-1029384756-slack-bot-token-5ab0"
	appToken = "xapp-1-A0HONK-slack-app-token-91f2"
)

// chats are what people do in Slack. A place is CHANNEL, or CHANNEL/N for the
// thread that its Nth message begins; @honk in a text mentions the bot.
var chats = map[string]command{
	"workspace": {"[socket]", 0, 1, false, chatWorkspace},
	"person":    {"NAME [guest|stranger|unconfirmed|deleted]", 1, 2, false, chatPerson},
	"channel":   {"NAME [private|external|without]", 1, 2, false, chatChannel},
	"say":       {"NAME PLACE TEXT [FILE:TYPE ...]", 3, 9, false, chatSay},
	"reword":    {"NAME CHANNEL REGEXP TEXT", 4, 4, false, chatReword},
	"click":     {"NAME PLACE ACTION [OPTION]", 3, 4, true, chatClick},
	"fill":      {"NAME [KEY=VALUE ...]", 1, 5, false, chatFill},
	"slash":     {"NAME CHANNEL TEXT", 3, 3, false, chatSlash},
	"shortcut":  {"NAME CHANNEL REGEXP", 3, 3, false, chatShortcut},
	"thumb":     {"NAME CHANNEL REGEXP EMOJI [back]", 4, 5, false, chatThumb},
	"visit":     {"NAME", 1, 1, false, chatVisit},
	"prove":     {"NAME LOGIN", 2, 2, false, chatProve},
	"again":     {"COUNT", 1, 1, false, chatAgain},
	"scopes":    {"SCOPE ...", 1, 20, false, chatScopes},
	"spoil":     {"METHOD error=NAME|drop|lost|limit [COUNT]", 2, 3, false, chatSpoil},
	"unheard":   {"COUNT", 1, 1, false, chatUnheard},
	"held":      {"", 0, 0, false, chatHeld},
}

// chatWorkspace starts a Slack and tells Honk of it.
func chatWorkspace(s *scene, args []string) error {
	kind := slacktest.Options{SigningSecret: signing, BotToken: botToken, AppToken: appToken, EventsURL: "http://" + s.addr}
	env := map[string]string{"HONK_SLACK_BOT_TOKEN": botToken, "HONK_SLACK_SIGNING_SECRET": signing}
	if len(args) == 1 {
		kind.SocketMode, kind.EventsURL = true, ""
		env = map[string]string{"HONK_SLACK_BOT_TOKEN": botToken, "HONK_SLACK_APP_TOKEN": appToken}
	}
	s.slack = slacktest.New(kind)
	if err := s.slack.Start(s.Context()); err != nil {
		return err
	}
	s.Defer(func() { _ = s.slack.Close() })
	env["HONK_SLACK_API_URL"] = strings.TrimSuffix(s.slack.APIURL(), "/")
	env["HONK_PUBLIC_URL"] = "http://" + s.addr
	env["HONK_GITHUB_CLIENT_ID"], env["HONK_GITHUB_CLIENT_SECRET"] = s.forge.OAuth().ClientID, s.forge.OAuth().ClientSecret
	s.forge.OAuth().SetCallback("http://" + s.addr + "/link/callback")
	forge, err := url.Parse(s.env["HONK_GITHUB_API_URL"])
	if err != nil {
		return err
	}
	s.Setenv("FORGE", "http://"+forge.Host)
	for name, value := range env {
		s.env[name] = value
		s.Setenv(name, value)
	}
	return chatChannel(s, []string{"general"})
}

func personID(name string) string     { return "U0" + strings.ToUpper(name) }
func channelID(name string) string    { return "C0" + strings.ToUpper(name) }
func (s *scene) bot() string          { return s.slack.BotUser() }
func (s *scene) said(t string) string { return strings.ReplaceAll(t, "@honk", "<@"+s.bot()+">") }

func chatPerson(s *scene, args []string) error {
	name := args[0]
	u := slacktest.User{ID: personID(name), Name: name, Email: name + "@acme.example", EmailConfirmed: true}
	switch strings.Join(args[1:], "") {
	case "guest":
		u.Guest = true
	case "stranger":
		u.TeamID = "T0ELSEWHERE"
	case "unconfirmed":
		u.EmailConfirmed = false
	case "deleted":
		u.Deleted = true
	}
	return s.slack.Join(channelID("general"), s.slack.AddUser(u))
}

func chatChannel(s *scene, args []string) error {
	kind := strings.Join(args[1:], "")
	id := s.slack.AddChannel(slacktest.Channel{
		ID: channelID(args[0]), Name: args[0], Private: kind == "private", External: kind == "external",
	})
	if kind == "without" {
		return nil
	}
	return s.slack.Join(id, s.bot())
}

// spot finds a place.
func (s *scene) spot(where string) (channel, thread string, err error) {
	name, nth, deep := strings.Cut(where, "/")
	if channel = channelID(name); !deep {
		return channel, "", nil
	}
	n, err := strconv.Atoi(nth)
	if err != nil {
		return "", "", err
	}
	for _, m := range s.slack.Messages(channel) {
		if m.Thread == "" || m.Thread == m.TS {
			if n--; n == 0 {
				return channel, m.TS, nil
			}
		}
	}
	return "", "", fmt.Errorf("there is no message %s", where)
}

func chatSay(s *scene, args []string) error {
	channel, thread, err := s.spot(args[1])
	if err != nil {
		return err
	}
	m := slacktest.Message{User: personID(args[0]), Channel: channel, Thread: thread, Text: s.said(args[2])}
	for _, arg := range args[3:] {
		name, kind, _ := strings.Cut(arg, ":")
		m.Files = append(m.Files, slacktest.File{Name: filepath.Base(name), Mimetype: kind, Content: s.ReadFile(name)})
	}
	if err := s.slack.Join(channel, m.User); err != nil {
		return err
	}
	_, err = s.slack.Say(m)
	return err
}

// message finds the last message of a channel that matches, by one person if
// one is named.
func (s *scene) message(name, pattern, by string) (channel string, found slacktest.Posted, err error) {
	re, err := regexp.Compile("(?sm)" + pattern)
	if err != nil {
		return "", found, err
	}
	channel = channelID(name)
	for _, m := range slices.Backward(s.slack.Messages(channel)) {
		if !m.Deleted && (by == "" || m.User == personID(by)) && re.MatchString(m.Shown) {
			return channel, m, nil
		}
	}
	return "", found, fmt.Errorf("no message in %s matches %q", name, pattern)
}

func chatReword(s *scene, args []string) error {
	channel, m, err := s.message(args[1], args[2], args[0])
	if err != nil {
		return err
	}
	return s.slack.Edit(personID(args[0]), channel, m.TS, s.said(args[3]))
}

// chatClick clicks the last thing of its kind in a place that somebody sees.
func chatClick(s *scene, args []string) error {
	channel, thread, err := s.spot(args[1])
	if err != nil {
		return err
	}
	user := personID(args[0])
	seen := append(s.slack.Messages(channel), s.slack.Whispers(user)...)
	slices.SortFunc(seen, func(a, b slacktest.Posted) int { return strings.Compare(a.TS, b.TS) })
	for _, m := range slices.Backward(seen) {
		if thread != "" && m.Thread != thread || m.Deleted || m.To != "" && m.To != user {
			continue
		}
		for _, e := range m.Elements {
			if e.ActionID == args[2] {
				k := slacktest.Click{User: user, Channel: channel, TS: m.TS, ActionID: args[2]}
				if len(args) == 4 {
					k.Option = args[3]
				}
				return s.slack.Click(s.Context(), k)
			}
		}
	}
	if s.neg {
		return nil
	}
	return fmt.Errorf("there is no %s", args[2])
}

func chatFill(s *scene, args []string) error {
	values := map[string]string{}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		values["honk."+key] = value
	}
	err := s.until("a form is open", func() (bool, error) {
		_, open := s.slack.View(personID(args[0]))
		return open, nil
	})
	if err != nil {
		return err
	}
	return s.slack.Submit(s.Context(), personID(args[0]), values)
}

func chatSlash(s *scene, args []string) error {
	if err := s.slack.Join(channelID(args[1]), personID(args[0])); err != nil {
		return err
	}
	return s.slack.Command(s.Context(), personID(args[0]), channelID(args[1]), args[2])
}

func chatShortcut(s *scene, args []string) error {
	channel, m, err := s.message(args[1], args[2], "")
	if err != nil {
		return err
	}
	return s.slack.Shortcut(s.Context(), personID(args[0]), channel, m.TS)
}

func chatThumb(s *scene, args []string) error {
	channel, m, err := s.message(args[1], args[2], "")
	if err != nil {
		return err
	}
	if len(args) == 5 {
		return s.slack.Unreact(personID(args[0]), channel, m.TS, args[3])
	}
	return s.slack.React(personID(args[0]), channel, m.TS, args[3])
}

func chatVisit(s *scene, args []string) error { return s.slack.OpenHome(personID(args[0])) }

// chatProve follows the link that somebody was sent, signed in to GitHub as
// LOGIN.
func chatProve(s *scene, args []string) error {
	address := ""
	for _, m := range s.slack.Whispers(personID(args[0])) {
		for _, e := range m.Elements {
			if e.ActionID == "honk.link" {
				address, _ = e.Raw["url"].(string)
			}
		}
	}
	if address == "" {
		return errors.New("nobody sent a link")
	}
	s.forge.OAuth().LogIn(args[1])
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar}
	for range 3 {
		page, at, err := s.fetch(browser, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		form := regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?<input[^>]* name="([^"]*)"[^>]* value="([^"]*)"`).FindStringSubmatch(page)
		if form == nil {
			return fmt.Errorf("no form at %s:\n%s", at, page)
		}
		page, address, err = s.fetch(browser, http.MethodPost, form[1], url.Values{form[2]: {form[3]}})
		if err != nil {
			return err
		}
		if strings.Contains(page, "go back to Slack") {
			return nil
		}
	}
	return errors.New("the link leads nowhere")
}

// fetch returns a page and the address at which it was found.
func (s *scene) fetch(browser *http.Client, method, address string, form url.Values) (page, at string, err error) {
	req, err := http.NewRequestWithContext(s.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "http://"+s.addr)
	}
	resp, err := browser.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	return b.String(), resp.Request.URL.String(), err
}

// chatAgain sends every event so far some more times.
func chatAgain(s *scene, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for _, d := range s.slack.Deliveries() {
		for range n {
			if d.ID != "" {
				s.slack.Redeliver(d.ID)
			}
		}
	}
	return s.slack.WaitDeliveries(s.Context())
}

func chatScopes(s *scene, args []string) error {
	s.slack.SetScopes(args...)
	return nil
}

func chatSpoil(s *scene, args []string) error {
	var f slacktest.Fault
	switch how, name, _ := strings.Cut(args[1], "="); how {
	case "error":
		f.Error = name
	case "drop":
		f.DropBefore = true
	case "lost":
		f.DropAfter = true
	case "limit":
		f.RetryAfter = time.Second
	}
	if len(args) == 3 {
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		f.Times = n
	}
	s.slack.Fail(args[0], f)
	return nil
}

// chatUnheard loses the next events for good.
func chatUnheard(s *scene, args []string) error {
	n, err := strconv.Atoi(args[0])
	s.slack.LoseDeliveries(n)
	return err
}

// chatHeld holds all that was posted and sent to Slack's own types.
func chatHeld(s *scene, _ []string) error {
	return s.check("@slack/types", s.slack.Evidence(), "check-slack.mjs", "types")
}

func posts(list []slacktest.Posted, nameOf func(string) string) []string {
	var out []string
	for _, m := range list {
		if m.Deleted {
			continue
		}
		var reactions []string
		for _, r := range m.Reactions {
			reactions = append(reactions, fmt.Sprintf("{%s}", r.Name))
		}
		thread := ""
		if m.Thread != "" && m.Thread != m.TS {
			thread = " in thread"
		}
		out = append(out, fmt.Sprintf("%s%s: %s\n[%s] %s edits:%d",
			nameOf(m.User), thread, m.Shown, strings.Join(m.Labels(), "] ["), strings.Join(reactions, ""), m.Edits))
	}
	return out
}

func (s *scene) nameOf(id string) string {
	if id == s.bot() {
		return "honk"
	}
	return strings.ToLower(strings.TrimPrefix(id, "U0"))
}

func seeMessages(s *scene, channel string) ([]string, error) {
	return posts(s.slack.Messages(channelID(channel)), s.nameOf), nil
}

func seeWhispers(s *scene, name string) ([]string, error) {
	return posts(s.slack.Whispers(personID(name)), s.nameOf), nil
}

func seeDirect(s *scene, name string) ([]string, error) {
	return posts(s.slack.Messages(personID(name)), s.nameOf), nil
}

func seeModal(s *scene, name string) ([]string, error) {
	if v, open := s.slack.View(personID(name)); open {
		return []string{v.Title + ": " + v.Text}, nil
	}
	return nil, nil
}

func seeHome(s *scene, name string) ([]string, error) {
	if v, open := s.slack.Home(personID(name)); open {
		return []string{v.Text}, nil
	}
	return nil, nil
}

func seeCalls(s *scene, method string) ([]string, error) {
	var out []string
	for _, r := range s.slack.Requests() {
		if r.Method == method {
			out = append(out, fmt.Sprintf("%s %s", r.Answer, r.Text("text")))
		}
	}
	return out, nil
}
