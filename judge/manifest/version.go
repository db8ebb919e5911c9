package manifest

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

var version = regexp.MustCompile(`\d+(?:\.\w+)*(?:[-+.]?[0-9A-Za-z]+)*`)

// Lower reports whether next asks for a lower version than prev. What cannot
// be compared is not lower.
func Lower(prev, next string) bool {
	p, n := version.FindString(prev), version.FindString(next)
	if p == "" || n == "" {
		return false
	}
	pNum, pRest := split(p)
	nNum, nRest := split(n)
	for i := range max(len(pNum), len(nNum)) {
		if d := cmp.Compare(at(nNum, i), at(pNum, i)); d != 0 {
			// "1.2" allows every 1.2.x: it is not lower than "1.2.3".
			return d < 0 && (i < len(nNum) || len(nNum) == 0)
		}
	}
	switch {
	case pRest == nRest || len(pNum) != len(nNum):
		return false
	case pRest == "" || nRest == "":
		// A pre-release comes before its release.
		return nRest != ""
	}
	return nRest < pRest
}

func at(nums []int, i int) int {
	if i < len(nums) {
		return nums[i]
	}
	return 0
}

// split takes the leading numbers of a version apart from the rest, which
// sorts by its letters (as Go's pseudo-versions do by their time).
func split(v string) (nums []int, rest string) {
	v, _, _ = strings.Cut(v, "+")
	for v != "" {
		i := strings.IndexAny(v, ".-")
		part := v
		if i >= 0 {
			part = v[:i]
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return nums, v
		}
		nums = append(nums, n)
		if i < 0 {
			return nums, ""
		}
		if v[i] == '-' {
			return nums, v[i+1:]
		}
		v = v[i+1:]
	}
	return nums, ""
}
