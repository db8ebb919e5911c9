package sandbox

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by every method of a closed Sandbox.
var ErrClosed = errors.New("sandbox is closed")

// ErrChanged is returned by Write when the file is not the expected one.
var ErrChanged = errors.New("file changed since it was read")

// PathError is a refusal that the asker can mend: Reason says why, in words
// for the model.
type PathError struct {
	Path   string
	Reason string
}

func (e *PathError) Error() string { return fmt.Sprintf("%q: %s", e.Path, e.Reason) }

// File is a regular file of the work tree.
type File struct {
	Path string
	Data []byte
	// Size is the whole file's; Data may be shorter.
	Size int64
	// Mode holds the permission bits.
	Mode uint32
	// Hash is the hexadecimal SHA-256 of the whole content.
	Hash string
}

// Write asks for a file to be replaced or created.
type Write struct {
	Path string
	Data []byte
	// IfHash is the Hash the file must have now. Empty means that the file
	// must not exist. AnyHash skips the comparison.
	IfHash string
}

// AnyHash as Write.IfHash lets a write replace whatever is there.
const AnyHash = "*"

// Query is a search for text.
type Query struct {
	// Pattern is an RE2 regular expression (the syntax ripgrep and Go share).
	Pattern string
	// Path is a file or directory; empty means the whole tree.
	Path string
	// Glob narrows file names; it supports ** and, without a slash, matches
	// the base name.
	Glob string
	// FilesOnly returns names and counts, no lines.
	FilesOnly bool
	// MaxHits caps the lines (or files) returned; 0 means 100.
	MaxHits int
}

// SearchResult is what a search found, by file in path order.
type SearchResult struct {
	Files []FileHits
	// TotalFiles and TotalHits count everything found, returned or not.
	TotalFiles int
	TotalHits  int
	// Directories counts the matching files per directory.
	Directories map[string]int
	// Incomplete says why the search stopped early, empty when it did not.
	Incomplete string
}

// FileHits are the hits in one file.
type FileHits struct {
	Path  string
	Count int
	Lines []Line
}

// Line is a numbered line, cut at 300 bytes on a rune boundary.
type Line struct {
	Number int
	Text   string
}

// Listing is a list of files.
type Listing struct {
	Paths []string
	// Total counts all files, returned or not.
	Total int
	// Incomplete says why not all was seen, empty when it was.
	Incomplete string
}
