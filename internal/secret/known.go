package secret

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	// window is the shortest piece that is looked up, and so the shortest
	// secret there can be.
	window = 8
	// filterBits sizes the bit set that spares most windows the map.
	filterBits = 18
	// placesMax bounds the work per window of a secret that repeats itself.
	placesMax = 16
)

// form is one way a secret may be written. A piece of text that equals a run
// of it is a hit when the run is long enough to be no accident.
type form struct {
	text string
	// whole says that only the complete form counts.
	whole bool
	// source is what was encoded; num/den turns an offset in text into one in
	// source, so that chance is judged on the secret, not on its encoding.
	source   string
	num, den int
}

// place is a window's position in a form.
type place struct{ form, off int }

// index finds runs of known secrets. Every window of eight bytes of every
// form lies in a map, so a run is found wherever it was cut.
type index struct {
	forms  []form
	places map[uint64][]place
	filter []uint64
}

func newIndex(values []string) (*index, error) {
	ix := &index{places: map[uint64][]place{}, filter: make([]uint64, 1<<filterBits/64)}
	for i, v := range values {
		if v = strings.TrimSpace(v); len(v) < window {
			return nil, fmt.Errorf("known secret %d is shorter than %d bytes; use a longer one", i+1, window)
		}
		for _, f := range encode(v) {
			f.whole = true
			ix.add(f)
		}
		for _, core := range cores(v) {
			for _, f := range encode(core) {
				ix.add(f)
			}
		}
	}
	return ix, nil
}

func (ix *index) add(f form) {
	if len(f.text) < window {
		return
	}
	last := len(f.text) - window
	if f.whole {
		last = 0
	}
	for off := 0; off <= last; off++ {
		key := binary.LittleEndian.Uint64([]byte(f.text[off : off+window]))
		if len(ix.places[key]) < placesMax {
			ix.places[key] = append(ix.places[key], place{len(ix.forms), off})
		}
		h := hash(key)
		ix.filter[h/64] |= 1 << (h % 64)
	}
	ix.forms = append(ix.forms, f)
}

func hash(key uint64) uint64 { return key * 0x9E3779B97F4A7C15 >> (64 - filterBits) }

func (ix *index) scan(text string) []Hit {
	var hits []Hit
	if len(ix.places) == 0 || len(text) < window {
		return nil
	}
	// The key is rolled: one byte in, one out.
	key := binary.LittleEndian.Uint64([]byte(text[:window]))
	for i, skip := 0, 0; ; i++ {
		if h := hash(key); i >= skip && ix.filter[h/64]&(1<<(h%64)) != 0 {
			if n := ix.longest(key, text[i:]); n > 0 {
				hits = append(hits, Hit{Rule: "known-secret", Start: i, End: i + n})
				skip = i + n
			}
		}
		if i+window >= len(text) {
			return hits
		}
		key = key>>8 | uint64(text[i+window])<<56
	}
}

// longest returns the length of the longest telling run at the start of text.
func (ix *index) longest(key uint64, text string) int {
	best := 0
	for _, p := range ix.places[key] {
		f := &ix.forms[p.form]
		n := window
		for p.off+n < len(f.text) && n < len(text) && f.text[p.off+n] == text[n] {
			n++
		}
		if n > best && f.telling(p.off, n) {
			best = n
		}
	}
	return best
}

// telling reports whether n bytes of f at off can hardly stand in a text by
// accident: the complete form, or a run of the secret's core that covers at
// least eight of its characters and looks random, or sixteen that are not
// monotonous. A run of hexadecimal digits, of which a repository holds many,
// needs twelve.
func (f *form) telling(off, n int) bool {
	if f.whole {
		return n == len(f.text)
	}
	src := f.source[off*f.num/f.den : min((off+n)*f.num/f.den, len(f.source))]
	switch {
	case len(src) < window:
		return false
	case len(src) >= 2*window:
		return distinct(src) >= 6
	case isHex(src) && len(src) < 12:
		return false
	}
	return random(src)
}

// encode returns the forms of v: raw, reversed, hexadecimal, URL-encoded and
// base64 at the three offsets at which it can stand within a longer text.
func encode(v string) []form {
	back := []byte(v)
	slices.Reverse(back)
	forms := []form{
		{text: v, source: v, num: 1, den: 1},
		{text: string(back), source: string(back), num: 1, den: 1},
		{text: hex.EncodeToString([]byte(v)), source: v, num: 1, den: 2},
		{text: strings.ToUpper(hex.EncodeToString([]byte(v))), source: v, num: 1, den: 2},
	}
	for _, esc := range []string{url.QueryEscape(v), url.PathEscape(v)} {
		if esc != v {
			// Escapes triple a byte; counting a third errs on the long side.
			forms = append(forms, form{text: esc, source: esc, num: 1, den: 1})
		}
	}
	for off := range 3 {
		padded := append(make([]byte, off), v...)
		// Only the letters that v alone determines.
		from, to := (off*8+5)/6, len(padded)*8/6
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, form{text: enc.EncodeToString(padded)[from:to], source: v, num: 3, den: 4})
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(forms, func(f form) bool {
		dup := seen[f.text]
		seen[f.text] = true
		return dup
	})
}

// cores returns the parts of a value that only its owner could have written:
// not the scheme and host of a URL, the armour and ASN.1 head of a key, the
// header of a JSON web token or the well-known prefix of a token, which stand
// in many an honest text.
func cores(v string) []string {
	var parts []string
	switch {
	case strings.Contains(v, "-----BEGIN"):
		body := regexp.MustCompile(`-----[A-Z ]+-----|\\n|\s`).ReplaceAllString(v, "\n")
		// The first 40 letters of a key tell its kind and size only.
		for i, line := range strings.Fields(body) {
			if i == 0 {
				line = line[min(40, len(line)):]
			}
			parts = append(parts, line)
		}
	case strings.Contains(v, "://"):
		u, err := url.Parse(v)
		if err != nil {
			return nil
		}
		pw, _ := u.User.Password()
		parts = append(strings.Split(u.Path, "/"), pw)
		for _, vs := range u.Query() {
			parts = append(parts, vs...)
		}
	default:
		head := regexp.MustCompile(`^(?:sk-(?:ant-(?:api|sid|oat|admin)\d\d-|proj-|svcacct-|admin-|or-v1-)|gh[opsru]_(?:\d+_)?|github_pat_|xox[a-z]-|xapp-)?(?:eyJ[\w-]+\.(?:eyJ[\w-]{0,12})?)?`)
		parts = []string{v[len(head.FindString(v)):]}
	}
	return slices.DeleteFunc(parts, func(p string) bool { return len(p) < window })
}

// random reports whether s changes often between lower case, upper case and
// digits: three times with a digit, five times without. Three in four pieces
// of eight letters of a random key do; a word, a camelCase name, a version or
// a date do not.
func random(s string) bool {
	changes, enough, last := 0, 5, byte(0)
	for i := range len(s) {
		c := class(s[i])
		if c != 0 && last != 0 && c != last {
			changes++
		}
		if c == '0' {
			enough = 3
		}
		last = c
	}
	return changes >= enough && distinct(s) >= 5
}

func class(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z':
		return 'a'
	case 'A' <= c && c <= 'Z':
		return 'A'
	case '0' <= c && c <= '9':
		return '0'
	}
	return 0
}

func distinct(s string) int {
	var seen [256]bool
	n := 0
	for i := range len(s) {
		if !seen[s[i]] {
			seen[s[i]] = true
			n++
		}
	}
	return n
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == "" || strings.Trim(s, "0123456789ABCDEF") == ""
}
