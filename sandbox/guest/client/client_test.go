package client_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest"
	"honk/sandbox/guest/client"
	"honk/sandbox/guest/wire"
)

// liarVar names the lie a test binary is to tell in the guest's place.
const liarVar = "HONK_TEST_LIAR"

func TestMain(m *testing.M) {
	if lie := os.Getenv(liarVar); lie != "" {
		lies()[lie](os.Stdin, os.Stdout)
		os.Exit(0)
	}
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

type message struct {
	ID   uint64 `json:"id"`
	Body any    `json:"body,omitempty"`
}

func next(r io.Reader) uint64 {
	var sizes [8]byte
	if _, err := io.ReadFull(r, sizes[:]); err != nil {
		os.Exit(0)
	}
	body := make([]byte, binary.BigEndian.Uint32(sizes[:]))
	if _, err := io.ReadFull(r, body); err != nil {
		os.Exit(0)
	}
	var m message
	_ = json.Unmarshal(body[:binary.BigEndian.Uint32(sizes[4:])], &m)
	return m.ID
}

func frame(w io.Writer, body, data []byte) {
	_ = binary.Write(w, binary.BigEndian, []uint32{uint32(len(body) + len(data)), uint32(len(body))})
	_, _ = w.Write(append(body, data...))
}

func answer(w io.Writer, id uint64, body any) {
	text, _ := json.Marshal(message{ID: id, Body: body})
	frame(w, text, nil)
}

// saying answers every request with body, after an honest start.
func saying(body any) func(io.Reader, io.Writer) {
	return func(r io.Reader, w io.Writer) {
		answer(w, next(r), nil)
		for {
			answer(w, next(r), body)
		}
	}
}

// lies are what a guest in the hands of an attacker might do.
func lies() map[string]func(io.Reader, io.Writer) {
	many := make([]string, 1000)
	return map[string]func(io.Reader, io.Writer){
		"dies": func(r io.Reader, w io.Writer) {
			answer(w, next(r), nil)
			next(r)
		},
		"wrong id": func(r io.Reader, w io.Writer) {
			answer(w, next(r), nil)
			answer(w, next(r)+7, nil)
			next(r)
		},
		"no json": func(r io.Reader, w io.Writer) {
			answer(w, next(r), nil)
			next(r)
			frame(w, []byte("{{{"), nil)
			next(r)
		},
		"endless length": func(r io.Reader, w io.Writer) {
			answer(w, next(r), nil)
			next(r)
			_ = binary.Write(w, binary.BigEndian, []uint32{1 << 31, 10})
			next(r)
		},
		"lengths at odds": func(r io.Reader, w io.Writer) {
			answer(w, next(r), nil)
			next(r)
			_ = binary.Write(w, binary.BigEndian, []uint32{10, 11})
			next(r)
		},
		"data unasked": func(r io.Reader, w io.Writer) {
			answer(w, next(r), nil)
			id := next(r)
			text, _ := json.Marshal(message{ID: id, Body: map[string]any{
				"ExitCode": -1, "Total": -1,
				"Files": make([]map[string]any, 2000),
			}})
			frame(w, text, make([]byte, 5000))
			next(r)
		},
		"more than asked": saying(map[string]any{
			"Data": make([]byte, 5000), "Size": 5000, "Stdout": map[string]any{"Head": make([]byte, 5000)},
			"Paths": many, "Total": 1000,
			"Files": []any{map[string]any{"Lines": []any{map[string]any{"Text": string(make([]byte, 5000))}}}},
		}),
		"file elsewhere": saying(map[string]any{
			"Path": "other", "Hash": "zz", "Stdout": map[string]any{"File": "/etc/passwd"}, "Total": -1,
			"Paths": []string{"x"}, "Files": make([]map[string]any, 2000),
		}),
		"wrong types": saying([]int{1, 2, 3}),
	}
}

// Each lie ends the guest with an error of code sandbox, for every method.
func TestClient_liar(t *testing.T) {
	t.Parallel()
	for lie := range lies() {
		for method, call := range map[string]func(context.Context, *client.Client) error{
			"Exec": func(ctx context.Context, c *client.Client) error {
				_, err := c.Exec(ctx, sandbox.Command{Args: []string{"true"}, MaxOutput: 100})
				return err
			},
			"Read": func(ctx context.Context, c *client.Client) error {
				_, err := c.Read(ctx, "f", 100)
				return err
			},
			"Write": func(ctx context.Context, c *client.Client) error {
				_, err := c.Write(ctx, sandbox.Write{Path: "f"})
				return err
			},
			"Search": func(ctx context.Context, c *client.Client) error {
				_, err := c.Search(ctx, sandbox.Query{Pattern: "f"})
				return err
			},
			"List": func(ctx context.Context, c *client.Client) error {
				_, err := c.List(ctx, "", 100)
				return err
			},
		} {
			t.Run(lie+"/"+method, func(t *testing.T) {
				t.Parallel()
				c := newLiar(t, lie)
				for range 2 {
					if err := call(t.Context(), c); task.CodeOf(err) != task.CodeSandbox {
						t.Errorf("%v, want an error of code sandbox", err)
					}
				}
			})
		}
	}
}

func newLiar(t *testing.T, lie string) *client.Client {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{liarVar + "=" + lie, "GORACE=atexit_sleep_ms=0"}
	c, err := client.Start(t.Context(), cmd, client.Options{
		Config: wire.Config{Keep: "/keep", Limits: sandbox.DefaultLimits()},
		Kill:   func(p *os.Process) { _ = p.Kill() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A program that is no guest is told apart from one at the start.
func TestStart_noGuest(t *testing.T) {
	t.Parallel()
	for _, program := range [][]string{{"/bin/sh", "-c", "echo no such luck >&2; exit 3"}, {"/bin/echo", "hello"}, {"/nonexistent"}} {
		cleaned := false
		began := time.Now()
		_, err := client.Start(t.Context(), exec.CommandContext(t.Context(), program[0], program[1:]...), client.Options{
			Config:  wire.Config{Limits: sandbox.DefaultLimits()},
			Cleanup: func() error { cleaned = true; return nil },
		})
		if task.CodeOf(err) != task.CodeSandbox || !cleaned || time.Since(began) > 5*time.Second {
			t.Errorf("Start(%q) = %v, cleaned %v, after %v", program, err, cleaned, time.Since(began))
		}
	}
}

// A started guest that is cancelled before it answered leaves nothing.
func TestStart_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Start(ctx, exec.CommandContext(t.Context(), os.Args[0], wire.Marker, "x"), client.Options{
		Config: wire.Config{Root: t.TempDir(), Env: map[string]string{}, Limits: sandbox.DefaultLimits()},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Start = %v", fmt.Sprint(err))
	}
}
