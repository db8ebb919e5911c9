package blockkit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"honk/integrations/slack/slacktest/blockkit"
)

// x is a text so long.
func x(n int) string { return strings.Repeat("ü", n) }

func many(n int, one string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strings.ReplaceAll(one, "#", fmt.Sprint(i))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func section(text string) string {
	return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}`
}

func button(fields string) string {
	return `{"type":"button","text":{"type":"plain_text","text":"x"}` + fields + `}`
}

func actions(elements string) string { return `[{"type":"actions","elements":` + elements + `}]` }

func option(text, value string) string {
	return `{"text":{"type":"plain_text","text":"` + text + `"},"value":"` + value + `"}`
}

func menu(options string) string {
	return actions(`[{"type":"static_select","action_id":"m","options":` + options + `}]`)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, blocks, want string
	}{
		{"no array", `{}`, "not an array"},
		{"50 blocks", many(50, `{"type":"divider"}`), ""},
		{"51 blocks", many(51, `{"type":"divider"}`), "no more than 50"},
		{"unknown block", `[{"type":"goose"}]`, "unsupported type: goose"},
		{"unknown field", `[{"type":"divider","text":"x"}]`, "invalid additional property: text"},
		{"section 3000", "[" + section(x(3000)) + "]", ""},
		{"section 3001", "[" + section(x(3001)) + "]", "less than 3001"},
		{"section empty", "[" + section("") + "]", "more than 0"},
		{"section bare", `[{"type":"section"}]`, "text or fields"},
		{"section fields", `[{"type":"section","fields":` + many(11, `{"type":"mrkdwn","text":"x"}`) + `}]`, "no more than 10"},
		{"header 150", `[{"type":"header","text":{"type":"plain_text","text":"` + x(150) + `"}}]`, ""},
		{"header 151", `[{"type":"header","text":{"type":"plain_text","text":"` + x(151) + `"}}]`, "less than 151"},
		{"header mrkdwn", `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "must be plain_text"},
		{"text kind", `[{"type":"section","text":{"type":"markdown","text":"x"}}]`, "unsupported type: markdown"},
		{"emoji in mrkdwn", `[{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}]`, "property: emoji"},
		{"context 10", `[{"type":"context","elements":` + many(10, `{"type":"mrkdwn","text":"x"}`) + `}]`, ""},
		{"context 11", `[{"type":"context","elements":` + many(11, `{"type":"mrkdwn","text":"x"}`) + `}]`, "1 to 10"},
		{"context none", `[{"type":"context","elements":[]}]`, "1 to 10"},
		{"context button", `[{"type":"context","elements":[` + button("") + `]}]`, "unsupported type: button"},
		{"actions 25", actions(many(25, button(`,"action_id":"#"`))), ""},
		{"actions 26", actions(many(26, button(`,"action_id":"#"`))), "1 to 25"},
		{"button text", actions(`[{"type":"button","text":{"type":"plain_text","text":"` + x(76) + `"}}]`), "less than 76"},
		{"button mrkdwn", actions(`[{"type":"button","text":{"type":"mrkdwn","text":"x"}}]`), "must be plain_text"},
		{"button value", actions(`[` + button(`,"value":"`+x(2001)+`"`) + `]`), "less than 2001"},
		{"button url", actions(`[` + button(`,"url":"`+x(3001)+`"`) + `]`), "less than 3001"},
		{"button style", actions(`[` + button(`,"style":"warning"`) + `]`), "primary or danger"},
		{"action_id long", actions(`[` + button(`,"action_id":"`+x(256)+`"`) + `]`), "less than 256"},
		{"action_id twice", actions(many(2, button(`,"action_id":"a"`))), "action_id already exists"},
		{"block_id long", `[{"type":"divider","block_id":"` + x(256) + `"}]`, "less than 256"},
		{"block_id twice", many(2, `{"type":"divider","block_id":"a"}`), "block_id already exists"},
		{"confirm", actions(`[` + button(`,"confirm":{"title":{"type":"plain_text","text":"x"}}`) + `]`), "missing required field"},
		{"menu 100", menu(many(100, option("#", "#"))), ""},
		{"menu 101", menu(many(101, option("#", "#"))), "1 to 100"},
		{"option text", menu(`[` + option(x(76), "a") + `]`), "less than 76"},
		{"option value", menu(`[` + option("a", x(151)) + `]`), "less than 151"},
		{"option twice", menu(many(2, option("a", "a"))), "value already exists"},
		{"initial", actions(`[{"type":"static_select","options":[` + option("a", "a") + `],"initial_option":` + option("b", "a") + `}]`), "must exactly match"},
		{"image", `[{"type":"image","image_url":"https://example.com/x.png"}]`, "alt_text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(blockkit.Check(json.RawMessage(tt.blocks)), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("the faults are %q, not %q", got, tt.want)
			}
		})
	}
}

func TestCheckView(t *testing.T) {
	t.Parallel()
	title := func(n int) string { return `{"type":"plain_text","text":"` + x(n) + `"}` }
	input := `[{"type":"input","label":` + title(4) + `,"element":{"type":"plain_text_input","action_id":"a"}}]`
	view := func(fields, blocks string) string { return `{"type":"modal",` + fields + `"blocks":` + blocks + `}` }
	for _, tt := range []struct {
		name, view string
		surface    blockkit.Surface
		want       string
	}{
		{"modal", view(`"title":`+title(24)+`,"submit":`+title(24)+`,"close":`+title(24)+`,`, input), blockkit.Modal, ""},
		{"title", view(`"title":`+title(25)+`,`, "[]"), blockkit.Modal, "less than 25"},
		{"no title", view("", "[]"), blockkit.Modal, "missing required field"},
		{"submit", view(`"title":`+title(4)+`,"submit":`+title(25)+`,`, input), blockkit.Modal, "less than 25"},
		{"no submit", view(`"title":`+title(4)+`,`, input), blockkit.Modal, "must have a submit button"},
		{"metadata", view(`"title":`+title(4)+`,"private_metadata":"`+x(3001)+`",`, "[]"), blockkit.Modal, "less than 3001"},
		{"101 blocks", view(`"title":`+title(4)+`,`, many(101, `{"type":"divider"}`)), blockkit.Modal, "no more than 100"},
		{"home", `{"type":"home","blocks":` + many(100, `{"type":"divider"}`) + `}`, blockkit.Home, ""},
		{"home with title", `{"type":"home","title":` + title(1) + `,"blocks":[]}`, blockkit.Home, "property: title"},
		{"kind", view(`"title":`+title(4)+`,`, "[]"), blockkit.Home, "must be home"},
		{"markdown", `{"type":"home","blocks":[{"type":"markdown","text":"x"}]}`, blockkit.Home, "unsupported type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(blockkit.CheckView(json.RawMessage(tt.view), tt.surface), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("the faults are %q, not %q", got, tt.want)
			}
		})
	}
}
