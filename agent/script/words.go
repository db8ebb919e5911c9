package script

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"honk/agent/tool"
	"honk/internal/secret"
	"honk/sandbox"
)

// maxShown is how much of each stream an event keeps, in bytes.
const maxShown = 8 << 10

// lastLine returns the last line of a stream that says something, fit to be
// shown; of a line that was written over, what stood there in the end.
func lastLine(o sandbox.Output) string {
	for _, line := range slices.Backward(bytes.Split(o.Bytes(), []byte("\n"))) {
		line = bytes.TrimRight(line, "\r \t")
		line = line[bytes.LastIndexByte(line, '\r')+1:]
		if text := strings.TrimSpace(secret.Clean(string(line), maxReason)); text != "" {
			return text
		}
	}
	return ""
}

// shown is the end of both streams.
func shown(ran sandbox.ExecResult) string {
	out, errs := end(ran.Stdout), end(ran.Stderr)
	if errs == "" {
		return out
	}
	return strings.TrimLeft(out+"\n[standard error]\n"+errs, "\n")
}

// end is the end of one stream, with a mark where more was before it.
func end(o sandbox.Output) string {
	all := o.Bytes()
	kept := all[max(0, len(all)-maxShown):]
	left := o.OmittedBytes + int64(len(all)-len(kept))
	text := strings.Trim(tool.Clean(kept), "\n")
	if left > 0 {
		text = fmt.Sprintf("[%d bytes omitted]\n%s", left, text)
	}
	return text
}
