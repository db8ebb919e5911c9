package guest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"honk/internal/task"
	"honk/sandbox"
)

const (
	// maxFrame bounds a message in both directions.
	maxFrame = 32 << 20
	// maxData bounds the bytes of one file in a message; base64 and the
	// rest of the message fit in maxFrame.
	maxData = 16 << 20
)

// Operations a request can name.
const (
	opStart  = "start"
	opExec   = "exec"
	opRead   = "read"
	opWrite  = "write"
	opSearch = "search"
	opList   = "list"
	opProbe  = "probe"
	opCancel = "cancel"
)

// request is a message to the guest. A cancel carries the ID of the request
// it is about and is not answered itself.
type request struct {
	ID   uint64          `json:"id"`
	Op   string          `json:"op"`
	Body json.RawMessage `json:"body,omitempty"`
}

// reply is a message from the guest; the client believes nothing in it.
type reply struct {
	ID   uint64          `json:"id"`
	Body json.RawMessage `json:"body,omitempty"`
	Err  *wireError      `json:"err,omitempty"`
}

type readRequest struct {
	Path string `json:"path"`
	Max  int64  `json:"max"`
}

type listRequest struct {
	Path string `json:"path"`
	Max  int    `json:"max"`
}

// wireError is an error's way through the pipe.
type wireError struct {
	Kind string `json:"kind"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

func toWire(err error) *wireError {
	var pathErr *sandbox.PathError
	switch {
	case errors.As(err, &pathErr):
		return &wireError{Kind: "path", Path: pathErr.Path, Text: pathErr.Reason}
	case errors.Is(err, sandbox.ErrChanged):
		return &wireError{Kind: "changed"}
	case errors.Is(err, fs.ErrNotExist):
		return &wireError{Kind: "missing", Text: err.Error()}
	default:
		return &wireError{Kind: "internal", Text: err.Error()}
	}
}

// fromWire makes an error of what a guest said about path.
func fromWire(op, path string, e *wireError) error {
	text := cutText(e.Text, 500)
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

func writeFrame(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding message: %w", err)
	}
	if len(body) > maxFrame {
		return fmt.Errorf("message of %d bytes is over the limit of %d", len(body), maxFrame)
	}
	frame := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

func readFrame(r io.Reader, v any) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := int64(binary.BigEndian.Uint32(size[:]))
	if n > maxFrame {
		return fmt.Errorf("message of %d bytes is over the limit of %d", n, maxFrame)
	}
	// The buffer grows with what arrives: a length alone costs nothing.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, n); err != nil {
		return fmt.Errorf("reading message: %w", err)
	}
	return json.Unmarshal(body.Bytes(), v)
}
