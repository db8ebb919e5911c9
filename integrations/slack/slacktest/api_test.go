package slacktest_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"honk/integrations/slack/slacktest"
)

func TestChat(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	self, err := b.client.AuthTestContext(ctx)
	must(t, err)
	if self.UserID != b.BotUser() || self.BotID != b.BotID() || self.TeamID != b.TeamID() {
		t.Errorf("auth.test says %+v", self)
	}
	root := b.say("hello")
	_, ts, err := b.client.PostMessageContext(ctx, b.channel, slack.MsgOptionText("Working", false), buttons(), slack.MsgOptionTS(root))
	must(t, err)
	_, _, _, err = b.client.UpdateMessageContext(ctx, b.channel, ts, slack.MsgOptionText("Done", false))
	must(t, err)
	_, _, _, err = b.client.UpdateMessageContext(ctx, b.channel, root, slack.MsgOptionText("Done", false))
	wantErr(t, err, "cant_update_message")
	_, _, err = b.client.DeleteMessageContext(ctx, b.channel, root)
	wantErr(t, err, "cant_delete_message")
	_, err = b.client.PostEphemeralContext(ctx, b.channel, b.ada, slack.MsgOptionText("psst", false))
	must(t, err)
	_, err = b.client.PostEphemeralContext(ctx, b.channel, "U0NOBODY", slack.MsgOptionText("psst", false))
	wantErr(t, err, "user_not_in_channel")
	_, _, err = b.client.PostMessageContext(ctx, b.ada, slack.MsgOptionText("direct", false))
	must(t, err)
	_, _, err = b.client.PostMessageContext(ctx, "C0NONE", slack.MsgOptionText("x", false))
	wantErr(t, err, "channel_not_found")
	_, _, err = b.client.PostMessageContext(ctx, b.channel, slack.MsgOptionText("x", false), slack.MsgOptionTS("1.000001"))
	wantErr(t, err, "thread_not_found")
	link, err := b.client.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: b.channel, Ts: ts})
	must(t, err)
	if !strings.Contains(link, "/archives/"+b.channel+"/p") || !strings.Contains(link, "thread_ts="+root) {
		t.Errorf("the link is %q", link)
	}

	ref := slack.NewRefToMessage(b.channel, root)
	must(t, b.client.AddReactionContext(ctx, "eyes", ref))
	wantErr(t, b.client.AddReactionContext(ctx, "eyes", ref), "already_reacted")
	if got := b.Messages(b.channel)[0].Reactions; len(got) != 1 || got[0].Name != "eyes" {
		t.Errorf("the reactions are %v", got)
	}
	must(t, b.client.RemoveReactionContext(ctx, "eyes", ref))
	wantErr(t, b.client.RemoveReactionContext(ctx, "eyes", ref), "no_reaction")

	all := b.Messages(b.channel)
	if len(all) != 2 || all[1].Shown != "Done" || all[1].Edits != 1 || all[1].Thread != root || !all[1].Bot {
		t.Errorf("the messages are %+v", all)
	}
	if w := b.Whispers(b.ada); len(w) != 1 || w[0].Shown != "psst" {
		t.Errorf("the whispers are %+v", w)
	}
	if d := b.Messages(b.ada); len(d) != 1 || d[0].Shown != "direct" {
		t.Errorf("the direct messages are %+v", d)
	}
	_, _, err = b.client.DeleteMessageContext(ctx, b.channel, ts)
	must(t, err)
	if !b.Messages(b.channel)[1].Deleted {
		t.Error("it is still there")
	}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	root := b.say("root")
	var all []string
	for n := range 7 {
		ts, err := b.Say(slacktest.Message{User: b.ada, Channel: b.channel, Thread: root, Text: fmt.Sprint(n)})
		must(t, err)
		all = append(all, ts)
	}
	b.say("elsewhere")
	read := func(p slack.GetConversationRepliesParameters) string {
		var out []string
		for {
			p.ChannelID, p.Timestamp = b.channel, root
			list, more, cursor, err := b.client.GetConversationRepliesContext(ctx, &p)
			must(t, err)
			for _, m := range list {
				out = append(out, m.Text)
			}
			if p.Cursor = cursor; !more {
				return strings.Join(out, " ")
			}
			out = append(out, "|")
		}
	}
	for _, tt := range []struct {
		p    slack.GetConversationRepliesParameters
		want string
	}{
		{slack.GetConversationRepliesParameters{}, "root 0 1 2 3 4 5 6"},
		{slack.GetConversationRepliesParameters{Limit: 3}, "root 0 1 | 2 3 4 | 5 6"},
		{slack.GetConversationRepliesParameters{Oldest: all[4]}, "root 5 6"},
		{slack.GetConversationRepliesParameters{Oldest: all[4], Inclusive: true}, "root 4 5 6"},
		{slack.GetConversationRepliesParameters{Latest: all[1]}, "root 0"},
	} {
		if got := read(tt.p); got != tt.want {
			t.Errorf("%+v: %q, not %q", tt.p, got, tt.want)
		}
	}
	_, _, _, err := b.client.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
		ChannelID: b.channel, Timestamp: "1.000001",
	})
	wantErr(t, err, "thread_not_found")
	h, err := b.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: b.channel})
	must(t, err)
	if len(h.Messages) != 2 || h.Messages[0].Text != "elsewhere" || h.Messages[1].ReplyCount != 7 {
		t.Errorf("the history is %+v", h.Messages)
	}
	must(t, b.Leave(b.channel, b.BotUser()))
	_, err = b.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: b.channel})
	wantErr(t, err, "not_in_channel")
}

func TestPeople(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	u, err := b.client.GetUserInfoContext(ctx, b.ada)
	must(t, err)
	if u.Profile.Email != "ada@example.com" || u.RealName != "Ada L." || u.IsRestricted {
		t.Errorf("ada is %+v", u)
	}
	eve := b.AddUser(slacktest.User{Name: "eve", TeamID: "T0OTHER", Email: "eve@example.org", Guest: true})
	u, err = b.client.GetUserInfoContext(ctx, eve)
	must(t, err)
	if !u.IsStranger || u.TeamID != "T0OTHER" || u.Profile.Email != "" || !u.IsRestricted {
		t.Errorf("eve is %+v", u)
	}
	_, err = b.client.GetUserInfoContext(ctx, "U0NOBODY")
	wantErr(t, err, "user_not_found")
	c, err := b.client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: b.channel})
	must(t, err)
	if c.Name != "general" || !c.IsMember || c.IsPrivate {
		t.Errorf("the channel is %+v", c)
	}
	members, _, err := b.client.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: b.channel})
	must(t, err)
	if diff := cmp.Diff([]string{b.ada, b.BotUser()}, members); diff != "" {
		t.Error(diff)
	}
	closed := b.AddChannel(slacktest.Channel{Name: "closed", Private: true})
	_, err = b.client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: closed})
	wantErr(t, err, "channel_not_found")
	b.SetScopes("chat:write")
	_, err = b.client.GetUserInfoContext(ctx, b.ada)
	wantErr(t, err, "missing_scope")
	if r := b.Requests(); !bytes.Contains(r[len(r)-1].Answer, []byte(`"needed":"users:read","ok":false,"provided":"chat:write"`)) {
		t.Errorf("the answer is %s", r[len(r)-1].Answer)
	}
	other := slack.New("xoxb-wrong", slack.OptionAPIURL(b.APIURL()))
	_, err = other.AuthTestContext(ctx)
	wantErr(t, err, "invalid_auth")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	post := func() error {
		_, _, err := b.client.PostMessageContext(ctx, b.channel, slack.MsgOptionText("x", false))
		return err
	}
	b.Fail("chat.postMessage", slacktest.Fault{RetryAfter: 7 * time.Second})
	var limited *slack.RateLimitedError
	if err := post(); !errors.As(err, &limited) || limited.RetryAfter != 7*time.Second {
		t.Errorf("the error is %v", err)
	}
	b.Fail("chat.postMessage", slacktest.Fault{Error: "fatal_error", Times: 2})
	wantErr(t, post(), "fatal_error")
	wantErr(t, post(), "fatal_error")
	b.Fail("*", slacktest.Fault{Status: 503})
	wantErr(t, post(), "503")
	b.Fail("chat.postMessage", slacktest.Fault{DropBefore: true})
	wantErr(t, post(), "EOF")
	if n := len(b.Messages(b.channel)); n != 0 {
		t.Errorf("%d messages", n)
	}
	b.Fail("chat.postMessage", slacktest.Fault{DropAfter: true})
	wantErr(t, post(), "EOF")
	must(t, post())
	if n := len(b.Messages(b.channel)); n != 2 {
		t.Errorf("%d messages, not that of the lost answer and one more", n)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	_, err := b.Say(slacktest.Message{
		User: b.ada, Channel: b.channel, Text: "look", Files: []slacktest.File{{Name: "log.txt", Content: "it broke"}},
	})
	must(t, err)
	h, err := b.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: b.channel})
	must(t, err)
	f := h.Messages[0].Files[0]
	var out bytes.Buffer
	must(t, b.client.GetFileContext(ctx, f.URLPrivateDownload, &out))
	if out.String() != "it broke" || f.Size != len("it broke") {
		t.Errorf("the file is %q", out.String())
	}
	b.SetScopes("chat:write")
	out.Reset()
	_ = b.client.GetFileContext(ctx, f.URLPrivateDownload, &out)
	if strings.Contains(out.String(), "broke") {
		t.Error("the file is given away")
	}
}
