package bwrap_test

import (
	"os"
	"testing"
	"time"

	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/guest"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

func TestExec_smoke(t *testing.T) {
	t.Parallel()
	a := time.Now()
	sb, err := bwrap.New(bwrap.Options{}).Start(t.Context(), sandbox.Spec{Label: "t", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("start", time.Since(a))
	res, err := sb.Exec(t.Context(), sandbox.Command{Args: []string{"bash", "-c", "echo before; : >> /proc/sys/kernel/core_pattern && echo WRITABLE; : >>/proc/sysrq-trigger && echo SYSRQ; cat /proc/timer_list | head -3; ls -l /proc/self/fd; id;echo hi >/dev/stderr; time true"}, Merge: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %+v", res.Stdout.Bytes(), res.Duration)
	a = time.Now()
	t.Log(sb.Close())
	t.Log("close", time.Since(a))
}
