// Package wave divides targets into waves: the same seed and the same targets
// give the same waves.
package wave

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"honk/fleet/manifest"
)

// Member is what is looked at of a target.
type Member struct {
	Repo, Unit, Owner string
	// Traits are what a canary should have one of each: build systems, sizes.
	Traits []string
}

// maxPicked caps how many members coverage puts to the front.
const maxPicked = 64

// Default returns the waves of a shift that names none: one up to 20 targets,
// else a canary that waits for the owner, a tenth, and the rest.
func Default(n int) []manifest.Wave {
	if n <= 20 {
		return []manifest.Wave{{Name: "all", Percent: 100}}
	}
	return []manifest.Wave{
		{Name: "canary", Count: 5, Gate: &manifest.Gate{Approve: true}},
		{Name: "early", Percent: 10},
		{Name: "rest", Percent: 100},
	}
}

// Seed returns the seed of a shift, made from its name where none is given.
func Seed(name string, given *int) uint64 {
	if given != nil {
		return uint64(int64(*given)) //nolint:gosec // Any bits make a seed.
	}
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:8])
}

// Ends returns for each wave where it ends, counted from the first target.
func Ends(waves []manifest.Wave, n int) []int {
	ends := make([]int, len(waves))
	last := 0
	for i, w := range waves {
		end := n
		switch {
		case w.Count > 0:
			end = w.Count
		case w.Percent > 0:
			end = (n*w.Percent + 99) / 100
		}
		last = min(max(last, end), n)
		ends[i] = last
	}
	return ends
}

// Assign returns for each member its wave and its place in the order.
func Assign(r manifest.Rollout, waves []manifest.Wave, seed uint64, members []Member) (wave, place []int) {
	wave, place = make([]int, len(members)), make([]int, len(members))
	ends := Ends(waves, len(members))
	current := 0
	for rank, i := range Order(r.Order, seed, members) {
		for current < len(ends)-1 && rank >= ends[current] {
			current++
		}
		wave[i], place[i] = current, rank
	}
	return wave, place
}

// Order returns the members' indices in the order in which they are taken:
// name, owner or coverage.
func Order(order string, seed uint64, members []Member) []int {
	index := make([]int, len(members))
	for i := range index {
		index[i] = i
	}
	byName := func(a, b int) int {
		return cmp.Or(cmp.Compare(members[a].Repo, members[b].Repo), cmp.Compare(members[a].Unit, members[b].Unit))
	}
	switch order {
	case "name":
		slices.SortFunc(index, byName)
		return index
	case "owner":
		slices.SortFunc(index, func(a, b int) int {
			return cmp.Or(cmp.Compare(members[a].Owner, members[b].Owner), byName(a, b))
		})
		return index
	}
	keys := make([]uint64, len(members))
	for i, m := range members {
		keys[i] = shuffle(seed, m)
	}
	slices.SortFunc(index, func(a, b int) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), byName(a, b)) })
	return cover(index, members)
}

// shuffle returns where chance puts a member.
func shuffle(seed uint64, m Member) uint64 {
	buffer := binary.BigEndian.AppendUint64(make([]byte, 0, 64), seed)
	buffer = append(append(append(buffer, m.Repo...), 0), m.Unit...)
	sum := sha256.Sum256(buffer)
	return binary.BigEndian.Uint64(sum[:8])
}

// cover moves to the front, one by one, the member that shows most of what no
// earlier one did.
func cover(index []int, members []Member) []int {
	seen := map[string]bool{}
	rest := slices.Clone(index)
	picked := make([]int, 0, len(index))
	for len(picked) < maxPicked && len(rest) > 0 {
		best, most := -1, 0
		for i, at := range rest {
			if fresh := unseen(members[at], seen); fresh > most {
				best, most = i, fresh
			}
		}
		if best < 0 {
			break
		}
		m := members[rest[best]]
		seen["owner "+m.Owner] = true
		for _, trait := range m.Traits {
			seen[trait] = true
		}
		picked = append(picked, rest[best])
		rest = slices.Delete(rest, best, best+1)
	}
	return append(picked, rest...)
}

func unseen(m Member, seen map[string]bool) int {
	count := 0
	if !seen["owner "+m.Owner] {
		count++
	}
	for _, trait := range m.Traits {
		// A build system or size says more than an owner: of those there are
		// many.
		if !seen[trait] {
			count += 2
		}
	}
	return count
}
