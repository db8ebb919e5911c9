package main

import (
	"errors"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// runOutput is the JSON object of honk run. Every key is always there.
type runOutput struct {
	TaskID  task.ID           `json:"task_id"`
	Status  task.Status       `json:"status"`
	Summary string            `json:"summary"`
	Branch  string            `json:"branch"`
	BaseSHA string            `json:"base_sha"`
	HeadSHA string            `json:"head_sha"`
	PRURL   string            `json:"pr_url"`
	Patch   string            `json:"patch"`
	Files   []task.FileChange `json:"files"`
	Verify  []verifyOutput    `json:"verify"`
	Checks  []judge.Finding   `json:"checks"`
	Verdict *judge.Verdict    `json:"verdict"`
	Usage   usageOutput       `json:"usage"`
	Error   *task.Error       `json:"error"`
}

// verifyOutput is a verifier's result beside what it was on the base commit.
type verifyOutput struct {
	verify.Result
	// The names of all tests are left out: there can be many thousands.
	TestIDs *struct{} `json:"test_ids,omitempty"`
	Passed  *struct{} `json:"passed,omitempty"`

	Seconds  float64       `json:"seconds"`
	Base     verify.Status `json:"base_status,omitempty"`
	BaseRuns int           `json:"base_tests_run,omitempty"`
}

type usageOutput struct {
	Steps        int     `json:"steps"`
	InputTokens  int     `json:"input_tokens"`
	CachedTokens int     `json:"cached_tokens"`
	OutputTokens int     `json:"output_tokens"`
	CostUSD      float64 `json:"cost_usd"`
	ModelSeconds float64 `json:"model_seconds"`
	TotalSeconds float64 `json:"total_seconds"`
}

func newRunOutput(id task.ID, res runner.Result) runOutput {
	out := runOutput{
		TaskID: id, Status: res.Status, Summary: res.Summary,
		Branch: res.Branch, BaseSHA: res.BaseSHA,
		Patch: string(res.Patch.Diff), Files: res.Patch.Files,
		Verify: verifyOutputs(res.Gate), Checks: res.Checks,
		Usage: newUsage(res.Usage), Error: res.Err,
	}
	if res.PullRequest != nil {
		out.HeadSHA, out.PRURL = res.PullRequest.HeadSHA, res.PullRequest.URL
	}
	if res.Verdict.Decision != "" {
		out.Verdict = &res.Verdict
	}
	if out.Files == nil {
		out.Files = []task.FileChange{}
	}
	if out.Checks == nil {
		out.Checks = []judge.Finding{}
	}
	return out
}

func newUsage(u task.Usage) usageOutput {
	return usageOutput{
		Steps: u.Steps, InputTokens: u.InputTokens, CachedTokens: u.CachedTokens, OutputTokens: u.OutputTokens,
		CostUSD: u.CostUSD, ModelSeconds: u.ModelTime.Seconds(), TotalSeconds: u.TotalTime.Seconds(),
	}
}

func verifyOutputs(g verify.Gate) []verifyOutput {
	base := map[string]verify.Result{}
	for _, r := range g.Base.Results {
		base[r.Name] = r
	}
	out := []verifyOutput{}
	for _, r := range g.Report.Results {
		b := base[r.Name]
		out = append(out, verifyOutput{
			Result: r, Seconds: r.Duration.Seconds(), Base: b.Status, BaseRuns: b.TestsRun,
		})
	}
	return out
}

// failure is the JSON object of a command that could not start. A run's has
// all its keys.
func failure(command string, err error) any {
	known, ok := errors.AsType[*task.Error](err)
	if !ok {
		known = &task.Error{Code: task.CodeOf(err), Message: err.Error()}
	}
	if command != "run" {
		return map[string]any{"error": known}
	}
	status := task.StatusFailed
	if known.Code == task.CodeCancelled {
		status = task.StatusCancelled
	}
	return newRunOutput("", runner.Result{Outcome: task.Outcome{
		Status: status, Summary: err.Error(), Err: known,
	}})
}
