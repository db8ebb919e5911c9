package look

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"

	"honk/fleet/manifest"
	"honk/fleet/target"
	"honk/internal/task"
)

// catalogFile is where a repository says what it is to a software catalog.
const catalogFile = "catalog-info.yaml"

// maxEntities caps the documents of one catalogFile, maxCatalog its bytes.
const (
	maxEntities = 100
	maxCatalog  = 256 << 10
)

// alias is what makes a small YAML file a large value.
var alias = regexp.MustCompile(`[\s\[,{]\*\w`)

// sources returns what each source of a manifest's targets finds.
func sources(ctx context.Context, forge Forge, m *manifest.Manifest) (found [][]target.Target, err error) {
	t := m.Spec.Targets
	var named []target.Target
	for _, repo := range t.Repos {
		named = append(named, target.Target{Repo: repo, Sources: []string{"repos"}})
	}
	if t.File != "" {
		rows, err := target.Read(t.File, t.Data)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i].Owner = rows[i].Row["owner"]
		}
		named = append(named, rows...)
	}
	listed, err := known(ctx, forge, named)
	if err != nil {
		return nil, err
	}
	if len(listed) > 0 {
		found = append(found, listed)
	}
	for _, q := range t.GitHub {
		hits, err := query(ctx, forge, q)
		if err != nil {
			return nil, err
		}
		found = append(found, hits)
	}
	if len(t.Catalog) > 0 {
		hits, err := catalog(ctx, forge, t.Catalog)
		if err != nil {
			return nil, err
		}
		found = append(found, hits)
	}
	return found, nil
}

// among returns the targets that are among those found, or all where nothing
// was looked for.
func among(all []target.Target, found [][]target.Target) []target.Target {
	if len(found) == 0 {
		return all
	}
	names := map[string]bool{}
	for _, t := range slices.Concat(found...) {
		names[strings.ToLower(t.Repo)] = true
	}
	return slices.DeleteFunc(all, func(t target.Target) bool { return !names[strings.ToLower(t.Repo)] })
}

// known adds what the forge says of repositories that were named.
func known(ctx context.Context, forge Forge, named []target.Target) ([]target.Target, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookers)
	for i := range named {
		group.Go(func() error {
			l, err := forge.Repo(ctx, named[i].Repo)
			switch task.CodeOf(err) {
			case "":
				fill(&named[i], l)
			case task.CodeNotFound, task.CodeForbidden:
				// It is named, so that it stays: as out of reach.
			default:
				return fmt.Errorf("looking for %s: %w", named[i].Repo, err)
			}
			return nil
		})
	}
	return named, group.Wait()
}

func query(ctx context.Context, forge Forge, q manifest.GitHub) ([]target.Target, error) {
	list, unreachable, err := forge.Find(ctx, Query{Org: q.Org, Topics: q.Topics, Search: q.Search})
	if err != nil {
		return nil, err
	}
	var hits []target.Target
	for _, l := range list {
		t := target.Target{Repo: l.String(), Sources: []string{"github"}}
		fill(&t, l)
		hits = append(hits, t)
	}
	for _, name := range unreachable {
		hits = append(hits, target.Target{Repo: name, Sources: []string{"github"}})
	}
	return hits, nil
}

// fill adds what a listing says of a repository.
func fill(t *target.Target, l task.Listing) {
	size := "small"
	if l.Size > 10<<10 {
		size = "large"
	}
	t.Repo, t.Archived, t.Traits = l.String(), l.Archived, []string{l.Language, size}
}

// catalog returns the repositories within reach one of whose entities fulfils
// a predicate.
func catalog(ctx context.Context, forge Forge, predicate map[string]any) ([]target.Target, error) {
	list, _, err := forge.Find(ctx, Query{})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var hits []target.Target
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookers)
	for _, l := range list {
		if l.Archived || l.DefaultBranch == "" {
			continue
		}
		group.Go(func() error {
			raw, found, err := forge.File(ctx, l.String(), l.DefaultBranch, catalogFile)
			if err != nil || !found {
				return err
			}
			t := target.Target{Repo: l.String(), Sources: []string{"catalog"}}
			fill(&t, l)
			for _, entity := range entities(raw) {
				if !target.Match(predicate, entity) {
					continue
				}
				if spec, ok := entity["spec"].(map[string]any); ok {
					t.Owner, _ = spec["owner"].(string)
				}
				mu.Lock()
				hits = append(hits, t)
				mu.Unlock()
				return nil
			}
			return nil
		})
	}
	return hits, group.Wait()
}

// entities reads the documents of a catalog file, which is hostile. What
// cannot be read is none.
func entities(raw []byte) (all []map[string]any) {
	if len(raw) > maxCatalog || alias.Match(raw) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	for len(all) < maxEntities {
		var one map[string]any
		if dec.Decode(&one) != nil {
			return all
		}
		all = append(all, one)
	}
	return all
}
