// Package plan says what applying a manifest means for each target: what is
// made, made anew, kept, closed or left out, in which wave, at what cost. It
// changes nothing.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"honk/fleet/manifest"
)

// Recipe returns the digest of all that makes a change but for the target:
// transform, params, scope and verification. agent names the model and the
// version of the agent; it counts for prompts only. Text, labels, reviewers
// and rollout are no part of it: changing them runs nothing.
func Recipe(m *manifest.Manifest, agent string) string {
	t := m.Spec.Transform
	parts := map[string]any{
		"kind": t.Kind(), "params": m.Spec.Params, "scope": m.Spec.Scope, "verify": m.Spec.Verify,
	}
	switch {
	case t.Container != nil:
		parts["image"], parts["command"] = t.Container.Image, t.Container.Command
		parts["env"], parts["network"] = t.Container.Env, t.Container.Network
	case t.Script != nil:
		parts["script"], parts["network"] = t.Script.Text, t.Script.Network
	case t.Prompt != nil:
		parts["prompt"], parts["agent"] = t.Prompt.Text, agent
	case t.Revert != nil:
		parts["revert"], parts["waves"] = t.Revert.Shift, t.Revert.Waves
	}
	text, err := json.Marshal(parts) // Keys of maps are sorted.
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// CacheKey returns what a run of a recipe on a unit of a base commit is known
// by: the same key gives the same change.
func CacheKey(base, unit, recipe string) string {
	sum := sha256.Sum256([]byte(base + "\x00" + unit + "\x00" + recipe))
	return hex.EncodeToString(sum[:16])
}
