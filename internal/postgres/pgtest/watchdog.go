package pgtest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"syscall"

	"honk/internal/postgres/server"
)

// watchdog outlives a test process by a moment. Its input ends when that
// process does, however it ends, for nobody else has the other end; then it
// stops the server in the first directory it was told of, and removes all of
// them. Nothing that is open to it keeps go test waiting.
const watchdog = `
while IFS= read -r dir; do set -- "$@" "$dir"; done
note=$1/data/postmaster.pid
while pid=$(head -n 1 "$note" 2>/dev/null) && [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; do
	sleep 0.1
done
rm -rf -- "$@"
`

// start starts a server in a temporary directory that is gone, as is the
// server, after stop or the end of the process.
func start(ctx context.Context) (s *server.Server, stop func(), err error) {
	dir, err := os.MkdirTemp("", "honk-pgtest-")
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", watchdog)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	leash, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	stop = func() {
		_ = leash.Close()
		_ = cmd.Wait()
	}
	tell := func(dir string) {
		if err == nil {
			_, err = io.WriteString(leash, dir+"\n")
		}
	}
	tell(dir)
	if err == nil {
		s, err = server.Start(ctx, server.Options{Dir: dir, Log: slog.New(slog.DiscardHandler), Ephemeral: true})
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	if u, parseErr := url.Parse(s.URL()); parseErr == nil {
		tell(u.Query().Get("host"))
	}
	return s, stop, err
}
