// Package migrations holds the SQL schema of the service, forward only. A
// released file never changes; what comes later is a new file.
package migrations

import "embed"

// Files are the migrations in goose's form, by name.
//
//go:embed *.sql
var Files embed.FS
