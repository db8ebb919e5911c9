package manifest

import "fmt"

// waves checks that each wave adds to the one before, that the last takes the
// rest, and that every gate can open.
func (c *checker) waves() {
	waves := c.m.Spec.Rollout.Waves
	seen := map[string]bool{}
	count, percent := 0, 0
	for i, w := range waves {
		at, last := fmt.Sprintf("spec.rollout.waves[%d]", i), i == len(waves)-1
		if w.Name != "" && seen[w.Name] {
			c.Add(at+".name", fmt.Sprintf("is %q once more", w.Name), "give every wave a name of its own")
		}
		seen[w.Name] = true
		switch {
		case w.Count > 0 && w.Percent > 0:
			c.Add(at, "has count and percent", "keep one")
		case w.Count > 0 && w.Count <= count:
			c.Add(at+".count", fmt.Sprintf("is %d after %d", w.Count, count), "count from the first target, so each wave ends further on")
		case w.Percent > 0 && w.Percent <= percent:
			c.Add(at+".percent", fmt.Sprintf("is %d after %d", w.Percent, percent), "count from the first target, so each wave ends further on")
		case w.Count == 0 && w.Percent == 0 && !last && !c.Has(at+".count") && !c.Has(at+".percent"):
			c.Add(at, "has neither count nor percent", "add one; only the last may take the rest")
		case percent == 100:
			c.Add(at, "comes after all targets are taken", "take it out or lower the percent before it")
		}
		count, percent = max(count, w.Count), max(percent, w.Percent)
		if last && (w.Count > 0 || w.Percent > 0 && w.Percent < 100) {
			c.Add(at, "is the last and leaves targets out", "end with percent: 100")
		}
		if w.Gate != nil {
			c.gate(at+".gate", *w.Gate, last)
		}
	}
}

// gate checks that a gate can open and that something comes after it.
func (c *checker) gate(at string, g Gate, last bool) {
	publish := c.m.Spec.PullRequest.Publish
	if last {
		c.Add(at, "guards nothing: no wave comes after it", "take it out or add a wave")
		return
	}
	if g.MergedPercent == nil && g.MaxCIFailPercent == nil && g.MinHealthyPercent == nil && g.Soak == 0 && !g.Approve {
		c.Add(at, "says nothing", "add mergedPercent, maxCIFailPercent, minHealthyPercent, soak or approve")
	}
	merges := publish == PublishDraft || publish == PublishReady
	if p := g.MergedPercent; p != nil && *p > 0 && !merges {
		c.Add(at+".mergedPercent", fmt.Sprintf("can never hold: publish: %s merges nothing", publish), "take it out or use publish: draft or ready")
	}
	if p := g.MinHealthyPercent; p != nil {
		if c.m.Spec.Health == nil {
			c.Add(at+".minHealthyPercent", "can never hold: nothing watches the health", "add spec.health or take it out")
		}
		if *p > 0 && !merges {
			c.Add(at+".minHealthyPercent", fmt.Sprintf("can never hold: publish: %s merges nothing", publish), "take it out or use publish: draft or ready")
		}
	}
	if g.MaxCIFailPercent != nil && publish == PublishNone {
		c.Add(at+".maxCIFailPercent", "can never be known: publish: none runs no checks", "take it out or use publish: branch")
	}
}
