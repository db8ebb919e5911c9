package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

func (c *checker) targets() {
	t := c.m.Spec.Targets
	given := slices.ContainsFunc([]string{"repos", "github", "file", "catalog"}, func(key string) bool {
		return c.Failed("spec.targets." + key)
	})
	given = given || c.m.Spec.Transform.Revert != nil || c.Failed("spec.transform.revert")
	if !given && len(t.Repos) == 0 && len(t.GitHub) == 0 && t.File == "" && len(t.Catalog) == 0 && c.Has("spec.targets") {
		c.Add("spec.targets", "names no source", "add repos, github, file or catalog")
	}
	for i, source := range t.GitHub {
		at := fmt.Sprintf("spec.targets.github[%d]", i)
		switch {
		case source.Org == "" && source.Search == "":
			c.Add(at, "has neither org nor search", "add one")
		case source.Org != "" && source.Search != "":
			c.Add(at, "has org and search", "keep one; a search may say org:"+source.Org)
		case source.Search != "" && len(source.Topics) > 0:
			c.Add(at+".topics", "goes with org only", "say topic:"+source.Topics[0]+" in the search")
		}
		if source.Archived != nil && *source.Archived {
			c.Add(at+".archived", "asks for repositories that nobody can change", "take it out")
		}
	}
	c.globs("spec.targets.exclude.repos", t.Exclude.Repos)
	for i, p := range t.Preconditions {
		c.precondition(fmt.Sprintf("spec.targets.preconditions[%d]", i), p)
	}
	if t.Unit != nil && t.Unit.RootAt != "" {
		c.glob("spec.targets.unit.rootAt", t.Unit.RootAt)
	}
	c.predicate("spec.targets.catalog", t.Catalog)
}

func (c *checker) precondition(at string, p Precondition) {
	given := 0
	for _, is := range []bool{p.Exists != "", p.File != "" || p.Matches != "", len(p.Run) > 0} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		c.Add(at, fmt.Sprintf("says %d things", given), "use exactly one of exists, file with matches, run")
		return
	case p.File != "" && p.Matches == "":
		c.Add(at, "has a file and nothing that it must match", "add matches, or use exists")
	case p.File == "" && p.Matches != "":
		c.Add(at, "has matches and no file", "add file")
	}
	if p.Matches != "" {
		c.regexp(at+".matches", p.Matches)
	}
	for key, name := range map[string]string{"exists": p.Exists, "file": p.File} {
		if name != "" && (path.IsAbs(name) || path.Clean(name) != name || strings.HasPrefix(name, "..")) {
			c.Add(at+"."+key, fmt.Sprintf("is %q", shorten(name)), "name a path from the repository's root, as cmd/main.go")
		}
	}
}

// operators are what a catalog predicate may say beside plain values.
var operators = []string{"$all", "$any", "$contains", "$exists", "$hasPrefix", "$in", "$not"}

// predicate checks the operators of a catalog predicate.
func (c *checker) predicate(at string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			at := at + "." + key
			if strings.HasPrefix(key, "$") && !slices.Contains(operators, key) {
				c.Add(at, fmt.Sprintf("has an unknown operator %q", key), "use one of "+strings.Join(operators, ", "))
			}
			if _, list := inner.([]any); !list && (key == "$in" || key == "$all" || key == "$any") {
				c.Add(at, "is not a list", "write a list")
			}
			c.predicate(at, inner)
		}
	case []any:
		for i, inner := range v {
			c.predicate(fmt.Sprintf("%s[%d]", at, i), inner)
		}
	}
}

func (c *checker) transform() {
	at, t := "spec.transform", c.m.Spec.Transform
	switch kinds := slices.Sorted(slices.Values(t.kinds())); len(kinds) {
	case 1:
	case 0:
		if c.Has(at) {
			c.Add(at, "says nothing", "add one of container, script, prompt, revert")
		}
	default:
		c.Add(at, fmt.Sprintf("has %d transforms, %s", len(kinds), strings.Join(kinds, " and ")), "keep one")
	}
	timeouts := map[string]time.Duration{}
	if t.Container != nil {
		timeouts["container.timeout"] = t.Container.Timeout
	}
	if t.Script != nil {
		timeouts["script.timeout"] = t.Script.Timeout
	}
	if t.Prompt != nil {
		timeouts["prompt.limits.timeout"] = t.Prompt.Limits.Timeout
		if l := t.Prompt.Limits; l.CostTotal > 0 && l.CostPerTarget > l.CostTotal {
			c.Add(at+".prompt.limits.costPerTarget", "is more than costTotal", "lower it or raise costTotal")
		}
	}
	for key, timeout := range timeouts {
		if timeout < time.Second || timeout > 24*time.Hour {
			c.Add(at+"."+key, "is "+timeout.String(), "use 1s to 24h")
		}
	}
	if t.Revert != nil && t.Revert.Shift == c.m.Metadata.Name && t.Revert.Shift != "" {
		c.Add(at+".revert.shift", "is this shift itself", "name the shift to take back")
	}
}

// publish checks what fits together in what is published.
func (c *checker) publish() {
	pr := c.m.Spec.PullRequest
	if (pr.Publish == PublishNone || pr.Publish == PublishBranch) && c.Has("spec.pullRequest.openWhen") {
		c.Add("spec.pullRequest.openWhen", "says when to open what publish: "+pr.Publish+" never opens", "take it out or use publish: draft or ready")
	}
	if s := pr.Stale; s.CloseAfter > 0 && s.RemindAfter >= s.CloseAfter {
		c.Add("spec.pullRequest.stale", "closes before it reminds", "make remindAfter shorter than closeAfter")
	}
	for key, after := range map[string]time.Duration{
		"stale.remindAfter": pr.Stale.RemindAfter, "stale.closeAfter": pr.Stale.CloseAfter, "reviewers.escalateAfter": pr.Reviewers.EscalateAfter,
	} {
		if after > 0 && after < 24*time.Hour {
			c.Add("spec.pullRequest."+key, "is "+after.String(), "use at least 1d")
		}
	}
	for i, label := range pr.Labels {
		if strings.TrimSpace(label) == "" || len(label) > 50 {
			c.Add(fmt.Sprintf("spec.pullRequest.labels[%d]", i), "is no label", "use 1 to 50 characters")
		}
	}
}

func (c *checker) merge() {
	s, at := c.m.Spec, "spec.merge.mode"
	if s.Merge.Mode == MergeManual {
		return
	}
	switch {
	case s.PullRequest.Publish == PublishNone || s.PullRequest.Publish == PublishBranch:
		c.Add(at, "is "+s.Merge.Mode+" where publish: "+s.PullRequest.Publish+" opens nothing to merge", "use publish: ready, or mode: manual")
	case s.PullRequest.Publish == PublishDraft && s.Merge.Mode == MergeAuto:
		c.Add(at, "is auto, and drafts cannot be merged", "use publish: ready, or mode: on_approval")
	case s.Merge.Mode == MergeAuto && s.Transform.Prompt != nil && !slices.Contains(c.opts.AutoPrompt, c.m.Metadata.Name):
		c.Add(at, "is auto, which a prompt may not have", "use manual or on_approval, or let honk.yaml name the shift")
	}
	if s.Health != nil && s.Health.Window < time.Minute {
		c.Add("spec.health.window", "is "+s.Health.Window.String(), "use at least 1m")
	}
}
