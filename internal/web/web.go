// Package web is the service's HTTP server: it routes webhooks to their doors,
// says whether the process lives and is ready, and has the pages by which
// people in Slack prove who they are on GitHub.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// drainTime is how long requests under way may take at the end.
	drainTime = 10 * time.Second
	// readyTime bounds what readiness looks at.
	readyTime = 5 * time.Second
)

// Options says what the server serves.
type Options struct {
	// Webhooks are the doors by the path they are at.
	Webhooks map[string]http.Handler
	// Link has the pages at /link and below, see NewLink. Nil where there are
	// none.
	Link http.Handler
	// ReadyFunc says why the process can take nothing in, nil if it can.
	ReadyFunc func(ctx context.Context) error
	Log       *slog.Logger
}

// Handler returns the routes of the service: the webhooks, the pages at /link,
// GET /healthz, which answers as long as the process lives, and GET /readyz,
// which answers 503 while it can take nothing in.
func Handler(opts Options) http.Handler {
	mux := http.NewServeMux()
	for path, door := range opts.Webhooks {
		mux.Handle(path, door)
	}
	if opts.Link != nil {
		mux.Handle("/link", opts.Link)
		mux.Handle("/link/", opts.Link)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "alive")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		if err := opts.ReadyFunc(ctx); err != nil {
			opts.Log.WarnContext(ctx, "not ready", "error", err)
			say(w, http.StatusServiceUnavailable, "not ready; the log says why")
			return
		}
		say(w, http.StatusOK, "ready")
	})
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// Whoever has hung up reads no answer.
	_, _ = io.WriteString(w, text+"\n")
}

// Serve answers on l until ctx ends, then lets requests under way finish.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := server.Shutdown(end)
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
