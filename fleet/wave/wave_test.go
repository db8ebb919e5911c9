package wave_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/fleet/manifest"
	"honk/fleet/wave"
)

func members(n int) []wave.Member {
	all := make([]wave.Member, n)
	for i := range all {
		all[i] = wave.Member{
			Repo: fmt.Sprintf("acme/r%03d", i), Owner: fmt.Sprint("team-", i%3),
			Traits: []string{fmt.Sprint("build-", min(i%50, 3)), fmt.Sprint("size-", i%2)},
		}
	}
	return all
}

func TestEnds(t *testing.T) {
	t.Parallel()
	waves := []manifest.Wave{{Name: "canary", Count: 5}, {Name: "early", Percent: 10}, {Name: "rest", Percent: 100}}
	tests := map[int][]int{0: {0, 0, 0}, 3: {3, 3, 3}, 20: {5, 5, 20}, 100: {5, 10, 100}, 10_000: {5, 1000, 10_000}}
	for n, want := range tests {
		if diff := cmp.Diff(want, wave.Ends(waves, n)); diff != "" {
			t.Errorf("%d targets:\n%s", n, diff)
		}
	}
	if got := wave.Ends([]manifest.Wave{{Count: 2}, {}}, 9); !cmp.Equal(got, []int{2, 9}) {
		t.Errorf("a last wave without a number ends at %v", got)
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	all := members(100)
	r := manifest.Rollout{Order: "coverage"}
	in, place := wave.Assign(r, wave.Default(100), 7, all)
	shuffled := slices.Clone(all)
	slices.Reverse(shuffled)
	again, _ := wave.Assign(r, wave.Default(100), 7, shuffled)
	slices.Reverse(again)
	if diff := cmp.Diff(in, again); diff != "" {
		t.Errorf("the order in which targets come changes the waves:\n%s", diff)
	}
	other, _ := wave.Assign(r, wave.Default(100), 8, all)
	if cmp.Equal(in, other) {
		t.Error("another seed gives the same waves")
	}
	seen, count := map[string]bool{}, [3]int{}
	for i, w := range in {
		count[w]++
		if w == 0 {
			seen[all[i].Owner] = true
			for _, trait := range all[i].Traits {
				seen[trait] = true
			}
		}
	}
	if count != [3]int{5, 5, 90} {
		t.Errorf("waves have %v", count)
	}
	if len(seen) != 9 {
		t.Errorf("the canary shows %v, want 3 owners, 4 build systems and 2 sizes", seen)
	}
	slices.Sort(place)
	for i, p := range place {
		if p != i {
			t.Fatalf("places are not 0 to 99: %v", place)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	all := []wave.Member{{Repo: "b", Owner: "x"}, {Repo: "a", Owner: "y"}, {Repo: "a", Unit: "u", Owner: "x"}}
	if got := wave.Order("name", 1, all); !cmp.Equal(got, []int{1, 2, 0}) {
		t.Errorf("by name: %v", got)
	}
	if got := wave.Order("owner", 1, all); !cmp.Equal(got, []int{2, 0, 1}) {
		t.Errorf("by owner: %v", got)
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	a, again, other := wave.Seed("a", nil), wave.Seed("a", nil), wave.Seed("b", nil)
	if a == other || a != again {
		t.Error("the seed does not follow from the name")
	}
	if seven := 7; wave.Seed("a", &seven) != 7 {
		t.Error("a given seed is not taken")
	}
}
