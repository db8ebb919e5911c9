package host_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"honk/sandbox"
	"honk/sandbox/guest"
	"honk/sandbox/host"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

func TestExec_smoke(t *testing.T) {
	t.Parallel()
	sb, err := host.New(host.Options{}).Start(t.Context(), sandbox.Spec{Label: "t", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer sb.Close()
	res, err := sb.Exec(t.Context(), sandbox.Command{Args: []string{"bash", "-c", "echo hi; pwd; env; (setsid sleep 100 &) ; exit 3"}})
	if err != nil || res.ExitCode != 3 || !strings.HasPrefix(string(res.Stdout.Bytes()), "hi\n") {
		t.Fatalf("%+v %s %v", res, res.Stdout.Bytes(), err)
	}
	t.Logf("%s %v", res.Stdout.Bytes(), res.Duration)
	res, err = sb.Exec(t.Context(), sandbox.Command{Args: []string{"bash", "-c", "trap '' TERM; while :; do sleep 1; done"}, Timeout: time.Second / 2})
	if err != nil || !res.TimedOut {
		t.Fatalf("%+v %v", res, err)
	}
	t.Log(res.Duration)
	f, err := sb.Write(t.Context(), sandbox.Write{Path: "a/b.txt", Data: []byte("hello\nworld\n")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sb.Write(t.Context(), sandbox.Write{Path: "a/b.txt", Data: []byte("x")}); err != sandbox.ErrChanged {
		t.Fatal(err)
	}
	if _, err := sb.Write(t.Context(), sandbox.Write{Path: "a/b.txt", Data: []byte("wor"), IfHash: f.Hash}); err != nil {
		t.Fatal(err)
	}
	r, err := sb.Search(t.Context(), sandbox.Query{Pattern: "w.r"})
	if err != nil || r.TotalHits != 1 {
		t.Fatal(r, err)
	}
	l, err := sb.List(t.Context(), "", 10)
	if err != nil || len(l.Paths) != 1 {
		t.Fatal(l, err)
	}
	if _, err := sb.Read(t.Context(), "../x", 10); err == nil {
		t.Fatal("escaped")
	}
	if _, err := sb.Read(t.Context(), "nope", 10); !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

func TestClose_fast(t *testing.T) {
	t.Parallel()
	a := time.Now()
	sb, err := host.New(host.Options{}).Start(t.Context(), sandbox.Spec{Label: "t", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b := time.Now()
	sb.Close()
	t.Log(b.Sub(a), time.Since(b))
}
