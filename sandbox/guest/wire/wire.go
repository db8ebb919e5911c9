// Package wire is what a worker and the helper in its sandbox say to each
// other: length-prefixed JSON over two pipes, with a file's content beside it.
package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"

	"honk/internal/task"
	"honk/sandbox"
)

const (
	// MaxFrame bounds a message in both directions.
	MaxFrame = 32 << 20
	// MaxData bounds the bytes of one file in a message.
	MaxData = 16 << 20
	// MaxOutput is how much of a stream comes back when nobody says.
	MaxOutput = 64 << 10
	// MaxLine is how many bytes of a line a search returns.
	MaxLine = 300
	// MaxHits is how many lines or files a search returns.
	MaxHits = 1000
)

// Operations a request can name.
const (
	OpStart  = "start"
	OpExec   = "exec"
	OpRead   = "read"
	OpWrite  = "write"
	OpSearch = "search"
	OpList   = "list"
	OpProbe  = "probe"
	OpCancel = "cancel"
)

// Request is a message to the guest. A cancel carries the ID of the request
// it is about and is not answered itself.
type Request struct {
	ID   uint64          `json:"id"`
	Op   string          `json:"op"`
	Body json.RawMessage `json:"body,omitempty"`
	Data []byte          `json:"-"`
}

// Reply is a message from the guest; the client believes nothing in it.
type Reply struct {
	ID   uint64          `json:"id"`
	Body json.RawMessage `json:"body,omitempty"`
	Err  *Error          `json:"err,omitempty"`
	Data []byte          `json:"-"`
}

// ReadRequest asks for a file.
type ReadRequest struct {
	Path string `json:"path"`
	Max  int64  `json:"max"`
}

// ListRequest asks for the files below a directory.
type ListRequest struct {
	Path string `json:"path"`
	Max  int    `json:"max"`
}

// Error is an error's way through the pipe.
type Error struct {
	Kind string `json:"kind"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

// ToError prepares an error for the pipe.
func ToError(err error) *Error {
	var pathErr *sandbox.PathError
	switch {
	case errors.As(err, &pathErr):
		return &Error{Kind: "path", Path: pathErr.Path, Text: pathErr.Reason}
	case errors.Is(err, sandbox.ErrChanged):
		return &Error{Kind: "changed"}
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Kind: "missing", Text: err.Error()}
	default:
		return &Error{Kind: "internal", Text: err.Error()}
	}
}

// FromError makes an error of what a guest said about path while doing op.
func FromError(op, path string, e *Error) error {
	text := CutText(e.Text, 500)
	switch e.Kind {
	case "path":
		return &sandbox.PathError{Path: path, Reason: text}
	case "changed":
		return sandbox.ErrChanged
	case "missing":
		return &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
	default:
		return task.Errorf(task.CodeSandbox, "%s in the sandbox: %s", op, text)
	}
}

// A frame is the length of all that follows the lengths, the length of the
// JSON, the JSON, and a file's content if there is one.
const headSize = 8

// WriteFrame writes a message and the data that goes with it.
func WriteFrame(w io.Writer, v any, data []byte) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding message: %w", err)
	}
	size := len(body) + len(data)
	if size > MaxFrame {
		return fmt.Errorf("message of %d bytes is over the limit of %d", size, MaxFrame)
	}
	frame := make([]byte, headSize, headSize+size)
	binary.BigEndian.PutUint32(frame, uint32(size))
	binary.BigEndian.PutUint32(frame[4:], uint32(len(body)))
	frame = append(append(frame, body...), data...)
	_, err = w.Write(frame)
	return err
}

// ReadFrame decodes the JSON into v and returns the data.
func ReadFrame(r io.Reader, v any) ([]byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size, n := int64(binary.BigEndian.Uint32(head[:])), int64(binary.BigEndian.Uint32(head[4:]))
	if size > MaxFrame || n > size {
		return nil, fmt.Errorf("message of %d bytes is over the limit of %d", size, MaxFrame)
	}
	// The buffer grows with what arrives: a length alone costs nothing.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, size); err != nil {
		return nil, fmt.Errorf("reading message: %w", err)
	}
	if err := json.Unmarshal(body.Bytes()[:n], v); err != nil {
		return nil, err
	}
	return body.Bytes()[n:], nil
}

// CutText cuts s to at most n bytes, on a rune boundary.
func CutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
