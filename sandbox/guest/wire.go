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
	// maxData bounds the bytes of one file in a message.
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
	Data []byte          `json:"-"`
}

// reply is a message from the guest; the client believes nothing in it.
type reply struct {
	ID   uint64          `json:"id"`
	Body json.RawMessage `json:"body,omitempty"`
	Err  *wireError      `json:"err,omitempty"`
	Data []byte          `json:"-"`
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

// A frame is the length of all that follows the lengths, the length of the
// JSON, the JSON, and a file's content if there is one.
const headSize = 8

func writeFrame(w io.Writer, v any, data []byte) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding message: %w", err)
	}
	size := len(body) + len(data)
	if size > maxFrame {
		return fmt.Errorf("message of %d bytes is over the limit of %d", size, maxFrame)
	}
	frame := make([]byte, headSize, headSize+size)
	binary.BigEndian.PutUint32(frame, uint32(size))
	binary.BigEndian.PutUint32(frame[4:], uint32(len(body)))
	frame = append(append(frame, body...), data...)
	_, err = w.Write(frame)
	return err
}

// readFrame decodes the JSON into v and returns the data.
func readFrame(r io.Reader, v any) ([]byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size, n := int64(binary.BigEndian.Uint32(head[:])), int64(binary.BigEndian.Uint32(head[4:]))
	if size > maxFrame || n > size {
		return nil, fmt.Errorf("message of %d bytes is over the limit of %d", size, maxFrame)
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
