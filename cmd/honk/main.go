// Command honk is a background coding agent: it takes a request for a change
// to a verified, judged commit, or to an honest reason why there is none.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"honk/sandbox/guest"
)

func main() {
	// Inside a sandbox this same binary is the helper that runs the tools.
	if guest.Main() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Who cannot wait for the clean end interrupts a second time.
	context.AfterFunc(ctx, stop)
	code := run(ctx, program{
		args:   os.Args[1:],
		env:    environ(os.Environ()),
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
	})
	stop()
	os.Exit(code)
}
