package task_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"honk/internal/task"
)

func TestNewID(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var ids []task.ID
	for i := range 100 {
		id := task.NewID(start.Add(time.Duration(i) * time.Millisecond))
		if len(id) != 16 {
			t.Fatalf("%q is not 16 letters long", id)
		}
		for _, r := range id {
			if !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z') {
				t.Fatalf("%q holds %q", id, r)
			}
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("ids do not sort by time: %q", ids)
	}
	if one, other := task.NewID(start), task.NewID(start); one == other {
		t.Error("two ids of the same time are equal")
	}
}

func TestStatus_Final(t *testing.T) {
	t.Parallel()
	for status, want := range map[task.Status]bool{
		task.StatusQueued: false, task.StatusRunning: false, task.StatusDelivered: true,
		task.StatusVetoed: true, task.StatusCancelled: true,
	} {
		if got := status.Final(); got != want {
			t.Errorf("%s is final: %t, want %t", status, got, want)
		}
	}
}

func TestRepo_String(t *testing.T) {
	t.Parallel()
	for want, repo := range map[string]task.Repo{
		"acme/api": {Owner: "acme", Name: "api"},
		"api":      {Name: "api"},
	} {
		if got := repo.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestErrorf(t *testing.T) {
	t.Parallel()
	err := task.Errorf(task.CodeNotFound, "reading %q: %w", "x", fs.ErrNotExist)
	if got, want := err.Error(), `reading "x": file does not exist`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want task.Code
	}{
		{nil, ""},
		{errors.New("x"), task.CodeInternal},
		{task.Errorf(task.CodeBudget, "x"), task.CodeBudget},
		{fmt.Errorf("running: %w", task.Errorf(task.CodeSandbox, "x")), task.CodeSandbox},
	}
	for _, tt := range tests {
		if got := task.CodeOf(tt.err); got != tt.want {
			t.Errorf("code of %v is %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestUsage_Add(t *testing.T) {
	t.Parallel()
	u := task.Usage{Steps: 1, InputTokens: 2, CachedTokens: 3, OutputTokens: 4, CostUSD: 5, ModelTime: 6, TotalTime: 7}
	want := task.Usage{Steps: 2, InputTokens: 4, CachedTokens: 6, OutputTokens: 8, CostUSD: 10, ModelTime: 12, TotalTime: 14}
	if got := u.Add(u); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNewImage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"shot.png":  {[]byte("\x89PNG\r\n\x1a\n0000"), "image/png"},
		"shot.jpeg": {[]byte("\xff\xd8\xff\xe0"), "image/jpeg"},
		"page.png":  {[]byte("<html><script>"), ""},
		"shot.svg":  {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), ""},
		"huge.png":  {append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, task.MaxImage)...), ""},
	} {
		got, err := task.NewImage(name, tt.data)
		if got.MediaType != tt.want || (err == nil) != (tt.want != "") || err != nil && task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("%s is %q, %v", name, got.MediaType, err)
		}
	}
}

func TestSound(t *testing.T) {
	t.Parallel()
	png := task.Image{Name: "a.png", MediaType: "image/png", Data: []byte("\x89PNG\r\n\x1a\nsecret")}
	lying, other, huge := png, png, png
	lying.Data, other.MediaType = []byte("<html>"), "image/svg+xml"
	huge.Data = append(slices.Clone(png.Data), make([]byte, task.MaxImage)...)
	var got []string
	for _, i := range task.Sound([]task.Image{lying, png, other, huge, {}, png, png, png, png}) {
		got = append(got, i.String())
	}
	if want := slices.Repeat([]string{`"a.png" (image/png, 14 bytes)`}, task.MaxImages); !slices.Equal(got, want) {
		t.Errorf("sound are %v, want %v", got, want)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, task.Request{Images: []task.Image{png}}); strings.Contains(text, "secret") || strings.Contains(text, "0x89") || !strings.Contains(text, "14 bytes") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
