package task

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// crockford leaves out I, L, O and U, which people misread.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").
	WithPadding(base32.NoPadding)

// NewID returns a fresh ID of 16 letters: 48 bits of milliseconds since 1970
// followed by 32 random bits.
func NewID(now time.Time) ID {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	var raw [10]byte
	copy(raw[:6], ms[2:])
	// rand.Read never returns an error; it ends the program instead.
	_, _ = rand.Read(raw[6:])
	return ID(crockford.EncodeToString(raw[:]))
}
