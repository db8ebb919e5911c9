package githubtest_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"honk/integrations/github/githubtest"
)

// violations holds what a forge was asked, answered and sent against what
// GitHub publishes. Tests of other packages may do the same.
func violations(t *testing.T, evidence []byte) []string {
	t.Helper()
	dir, err := filepath.Abs("../../../tools/npm")
	must(t, err)
	node := filepath.Join(dir, "node_modules", ".bin", "node")
	if _, err := os.Stat(node); err != nil {
		node = "node"
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@octokit", "openapi")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("GitHub's descriptions are missing; run hack/setup.sh ci")
		}
		t.Skip("GitHub's descriptions are missing; run npm ci --prefix tools/npm --ignore-scripts")
	}
	var complaint bytes.Buffer
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(dir, "check-github.mjs"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(evidence), &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running the check: %v\n%s", err, complaint.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestViolations makes sure that the check would find something.
func TestViolations(t *testing.T) {
	t.Parallel()
	evidence := `
{"kind":"request","method":"GET","path":"/app","query":"","body":"","status":200,"answer":"{\"id\":\"x\"}"}
{"kind":"request","method":"GET","path":"/nowhere","query":"","body":"","status":200,"answer":"{}"}
{"kind":"request","method":"GET","path":"/repos/o/r/pulls","query":"state=odd&pages=2","body":"","status":200,"answer":"[]"}
{"kind":"request","method":"POST","path":"/repos/o/r/pulls","query":"","body":"{\"title\":1}","status":422,"answer":"{}"}
{"kind":"request","method":"POST","path":"/repos/o/r/issues/1/comments","query":"","body":"{}","status":200,"answer":"{}"}
{"kind":"webhook","event":"issue_comment","action":"created","payload":{"action":"created"}}
{"kind":"webhook","event":"issue_comment","action":"sneezed","payload":{}}
`
	got := strings.Join(violations(t, []byte(evidence)), "\n")
	for _, want := range []string{
		"GET /app 200: answer/id must be integer",
		"GET /app 200: answer must have required property 'permissions'",
		"GET /nowhere 200: GitHub has no such operation",
		"GET /repos/o/r/pulls 200: the query's state is odd, not one of open,closed,all",
		"GET /repos/o/r/pulls 200: the query has pages, which GitHub does not know",
		"POST /repos/o/r/pulls 422: the answer has no message",
		"POST /repos/o/r/issues/1/comments 200: body must have required property 'body'",
		"POST /repos/o/r/issues/1/comments 200: the status is 200, not one of 201",
		"issue_comment created: payload must have required property 'issue'",
		"issue_comment sneezed: GitHub sends no such webhook",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestContract does everything once.
func TestContract(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{})
	ctx := t.Context()
	b.want(200, "GET", "/app", nil)
	b.want(200, "GET", "/app/installations", nil)
	in := b.as(map[string]any{"repositories": []string{"api"}, "permissions": map[string]string{
		"contents": "write", "issues": "write", "pull_requests": "write", "checks": "write", "statuses": "read",
	}})
	in.want(200, "GET", "/installation/repositories", nil)
	in.want(200, "GET", "/users/ada", nil)
	in.want(200, "GET", "/rate_limit", nil)
	repo := "/repos/acme/api"
	in.want(200, "GET", repo, nil)
	in.want(200, "GET", repo+"/collaborators/ada/permission", nil)
	contractIssue(t, in, repo)
	pull := contractPull(t, in, repo)
	contractChecks(t, in, repo)
	contractLookup(t, in, repo)

	must(t, b.MergePull(ctx, githubtest.At{Login: "ada", Repo: "acme/api", Number: pull}, "squash"))
	must(t, b.DeleteBranch(ctx, "ada", "acme/api", "side"))
	_, err := b.Install("acme", "api")
	must(t, err)
	b.Uninstall("acme")
	b.events()
	list := b.want(200, "GET", "/app/hook/deliveries?per_page=100", nil)
	one := fmt.Sprintf("/app/hook/deliveries/%.0f", list.list[0]["id"])
	b.want(200, "GET", one, nil)
	b.want(202, "POST", one+"/attempts", nil)
	b.events()
	in.want(401, "GET", repo, nil)
	for _, line := range violations(t, b.Evidence()) {
		if line != "" {
			t.Error(line)
		}
	}
}

// contractLookup does what a shift does: it finds, follows and merges.
func contractLookup(t *testing.T, in *bundle, repo string) {
	t.Helper()
	ctx := t.Context()
	in.want(200, "GET", "/search/repositories?q=org:acme+archived:false&per_page=2&page=1", nil)
	in.want(422, "GET", "/search/repositories?q=colour:red", nil)
	in.want(200, "GET", repo+"/rules/branches/main?per_page=100&page=1", nil)
	sha, err := in.Commit(ctx, githubtest.Change{
		Repo: "acme/api", Branch: "shift", Login: "ada", Files: map[string]string{"z/z.go": "package z\n"},
	})
	must(t, err)
	in.want(200, "GET", repo+"/git/trees/"+sha+"?recursive=1", nil)
	in.want(404, "GET", repo+"/git/trees/"+strings.Repeat("0", 40), nil)
	must(t, in.Lookup().Require("acme/api", "main", "test"))
	in.want(200, "GET", repo+"/branches/main", nil)
	made := in.want(201, "POST", repo+"/pulls", map[string]any{"title": "feat: z", "head": "shift", "base": "main"})
	pull := fmt.Sprintf("%s/pulls/%.0f", repo, made.object["number"])
	merge := map[string]any{"sha": sha, "merge_method": "rebase"}
	in.want(405, "PUT", pull+"/merge", merge)
	must(t, in.Lookup().Require("acme/api", "main"))
	in.want(409, "PUT", pull+"/merge", map[string]any{"sha": strings.Repeat("1", 40)})
	in.want(200, "PUT", pull+"/merge", merge)
	in.want(405, "PUT", pull+"/merge", merge)
	in.want(200, "GET", strings.Replace(pull, "/pulls/", "/issues/", 1), nil)
	in.want(204, "DELETE", repo+"/git/refs/heads/shift", nil)
	must(t, in.Archive("acme/api", true))
	in.want(403, "POST", repo+"/pulls", merge)
	must(t, in.Archive("acme/api", false))
}

// TestContract_repository is about what becomes of a repository itself.
func TestContract_repository(t *testing.T) {
	t.Parallel()
	b := setup(t, githubtest.Options{Events: []string{"repository"}})
	must(t, b.Archive("acme/api", true))
	must(t, b.Archive("acme/api", true))
	must(t, b.Archive("acme/api", false))
	must(t, b.Lookup().Move("acme/api", "acme/service"))
	_, err := b.Install("other")
	must(t, err)
	must(t, b.Lookup().Move("acme/service", "other/service"))
	want := "[installation/created repository/archived repository/unarchived repository/renamed installation/created repository/transferred]"
	if got := fmt.Sprint(b.events()); got != want {
		t.Errorf("webhooks %s, want %s", got, want)
	}
	for _, line := range violations(t, b.Evidence()) {
		if line != "" {
			t.Error(line)
		}
	}
}

func contractIssue(t *testing.T, in *bundle, repo string) {
	t.Helper()
	ctx := t.Context()
	n, err := in.OpenIssue("bob", "acme/api", "It breaks", "Badly.")
	must(t, err)
	at := githubtest.At{Login: "ada", Repo: "acme/api", Number: n}
	issue := fmt.Sprintf("%s/issues/%d", repo, n)
	id, err := in.Comment(at, "/honk fix it")
	must(t, err)
	must(t, in.EditComment("ada", "acme/api", id, "/honk fix it well"))
	must(t, in.Label(at, "bug"))
	must(t, in.Assign(at, "ada"))
	title := "It broke"
	must(t, in.EditIssue(ctx, at, githubtest.Edit{Title: &title}))
	in.want(200, "GET", issue, nil)
	in.want(200, "GET", issue+"/comments?since=2020-01-01T00:00:00Z", nil)
	mine := in.want(201, "POST", issue+"/comments", map[string]any{"body": "**Working**"})
	own := fmt.Sprintf("%s/issues/comments/%.0f", repo, mine.object["id"])
	in.want(200, "GET", own, nil)
	in.want(200, "PATCH", own, map[string]any{"body": "**Done**"})
	eyes := in.want(201, "POST", fmt.Sprintf("%s/issues/comments/%d/reactions", repo, id), map[string]any{"content": "eyes"})
	in.want(200, "POST", fmt.Sprintf("%s/issues/comments/%d/reactions", repo, id), map[string]any{"content": "eyes"})
	in.want(200, "GET", fmt.Sprintf("%s/issues/comments/%d/reactions", repo, id), nil)
	in.want(204, "DELETE", fmt.Sprintf("%s/issues/comments/%d/reactions/%.0f", repo, id, eyes.object["id"]), nil)
	in.want(201, "POST", issue+"/reactions", map[string]any{"content": "confused"})
	in.want(422, "POST", issue+"/reactions", map[string]any{"content": "goose"})
	in.want(201, "POST", issue+"/assignees", map[string]any{"assignees": []string{"ada", "nobody"}})
	in.want(200, "POST", issue+"/labels", map[string]any{"labels": []string{"honk"}})
	in.want(200, "GET", issue+"/labels", nil)
	in.want(200, "DELETE", issue+"/labels/honk", nil)
	in.want(200, "PATCH", issue, map[string]any{"state": "closed"})
	in.want(200, "PATCH", issue, map[string]any{"state": "open"})
	in.want(204, "DELETE", own, nil)
	must(t, in.DeleteComment("ada", "acme/api", id))
}

func contractPull(t *testing.T, in *bundle, repo string) int {
	t.Helper()
	ctx := t.Context()
	sha, err := in.Commit(ctx, githubtest.Change{
		Repo: "acme/api", Branch: "side", Login: "ada", Files: map[string]string{"x.go": "package x\n"}, Remove: []string{"go.mod"},
	})
	must(t, err)
	in.want(200, "GET", repo+"/branches/side", nil)
	in.want(404, "GET", repo+"/branches/none", nil)
	in.want(200, "GET", repo+"/git/ref/heads/side", nil)
	in.want(200, "GET", repo+"/commits/"+sha, nil)
	in.want(200, "GET", repo+"/contents/README.md?ref=side", nil)
	in.want(200, "GET", repo+"/contents/", nil)
	wish := map[string]any{"title": "feat: x", "body": "Closes #1", "head": "side", "base": "main", "draft": true}
	made := in.want(201, "POST", repo+"/pulls", wish)
	in.want(422, "POST", repo+"/pulls", wish)
	n := int(made.object["number"].(float64))
	pull := fmt.Sprintf("%s/pulls/%d", repo, n)
	for _, path := range []string{
		"", "/files", "/commits", "/requested_reviewers",
	} {
		in.want(200, "GET", pull+path, nil)
	}
	in.want(200, "GET", repo+"/pulls?head=acme:side&state=all", nil)
	in.want(201, "POST", pull+"/requested_reviewers", map[string]any{"reviewers": []string{"ada"}})
	in.want(200, "PATCH", pull, map[string]any{"title": "feat: y"})
	in.want(200, "POST", "/graphql", map[string]any{
		"query":     "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }",
		"variables": map[string]any{"id": made.object["node_id"]},
	})
	at := githubtest.At{Login: "ada", Repo: "acme/api", Number: n}
	review, err := in.Review(ctx, at, githubtest.NewReview{
		Event: "request_changes", Body: "No.", Lines: []githubtest.Line{{Path: "x.go", Line: 1, Body: "Why?"}},
	})
	must(t, err)
	in.want(200, "GET", pull+"/reviews", nil)
	in.want(200, "GET", fmt.Sprintf("%s/reviews/%d", pull, review), nil)
	in.want(200, "GET", fmt.Sprintf("%s/reviews/%d/comments", pull, review), nil)
	line, err := in.CommentLine(ctx, at, githubtest.Line{Path: "x.go", Line: 1, Body: "/honk change"})
	must(t, err)
	in.want(200, "GET", pull+"/comments", nil)
	in.want(201, "POST", fmt.Sprintf("%s/comments/%d/replies", pull, line), map[string]any{"body": "Done."})
	in.want(201, "POST", pull+"/comments", map[string]any{"body": "Done so.", "in_reply_to": line})
	in.want(201, "POST", fmt.Sprintf("%s/pulls/comments/%d/reactions", repo, line), map[string]any{"content": "eyes"})
	_, err = in.Comment(at, "/honk more")
	must(t, err)
	_, err = in.Commit(ctx, githubtest.Change{Repo: "acme/api", Branch: "side", Login: "ada", Files: map[string]string{"y.go": "package x\n"}})
	must(t, err)
	must(t, in.SetDraft(at, true))
	must(t, in.SetDraft(at, false))
	must(t, in.CloseIssue(ctx, at))
	in.want(200, "PATCH", pull, map[string]any{"state": "open"})
	return n
}

func contractChecks(t *testing.T, in *bundle, repo string) {
	t.Helper()
	ctx := t.Context()
	_, err := in.SetCheck(ctx, "acme/api", githubtest.Check{SHA: "side", Name: "test"})
	must(t, err)
	run, err := in.SetCheck(ctx, "acme/api", githubtest.Check{
		SHA: "side", Name: "test", Conclusion: "failure", Output: githubtest.Output{
			Title: "1 failed", Summary: "It failed.",
			Annotations: []githubtest.Annotation{{Path: "x.go", Start: 1, End: 1, Level: "failure", Message: "no"}},
		},
	})
	must(t, err)
	must(t, in.CompleteSuite(ctx, "acme/api", "side"))
	must(t, in.SetStatus(ctx, "ada", "acme/api", githubtest.Status{SHA: "side", State: "success", Context: "ci/old"}))
	for _, path := range []string{"check-runs", "check-suites", "status"} {
		in.want(200, "GET", repo+"/commits/side/"+path, nil)
	}
	one := fmt.Sprintf("%s/check-runs/%d", repo, run)
	in.want(200, "GET", one, nil)
	in.want(200, "GET", one+"/annotations", nil)
	in.want(201, "POST", one+"/rerequest", nil)
}
