package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. In YAML it is written with a unit: B, KB, MB,
// GB, TB or KiB, MiB, GiB, TiB.
type Size int64

func parseSize(text string) (Size, error) {
	split := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if split < 0 {
		return 0, errors.New("needs a unit, like 512MiB")
	}
	units := map[string]float64{
		"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}
	number, err := strconv.ParseFloat(text[:split], 64)
	unit, ok := units[strings.TrimSpace(text[split:])]
	if size := number * unit; err == nil && ok && size >= 1 && size <= 1<<50 {
		return Size(size), nil
	}
	return 0, errors.New("is not a size; write it like 512MiB or 2GB")
}

// parseDuration accepts Go's durations and days: 90m, 1h30m, 2d.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("is not a duration; write it like 90s, 45m, 1h30m or 2d")
	}
	return d, nil
}
