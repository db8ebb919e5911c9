package queue

import (
	"context"
	"log/slog"
)

// quiet passes on what is degraded. River counts its jobs aloud every few
// seconds; a line per change of a task is what operators read.
type quiet struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// riverLog is the log of River.
func riverLog(log *slog.Logger) *slog.Logger { return slog.New(quiet{log.Handler()}) }
