package task

import "time"

// Usage is what model calls consumed.
type Usage struct {
	Steps        int     `json:"steps"`
	InputTokens  int     `json:"input_tokens"`
	CachedTokens int     `json:"cached_tokens"`
	OutputTokens int     `json:"output_tokens"`
	CostUSD      float64 `json:"cost_usd"`
	// ModelTime is spent waiting for the model, TotalTime the whole task.
	ModelTime time.Duration `json:"model_ns"`
	TotalTime time.Duration `json:"total_ns"`
}

// Add returns the sum of u and v.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		Steps:        u.Steps + v.Steps,
		InputTokens:  u.InputTokens + v.InputTokens,
		CachedTokens: u.CachedTokens + v.CachedTokens,
		OutputTokens: u.OutputTokens + v.OutputTokens,
		CostUSD:      u.CostUSD + v.CostUSD,
		ModelTime:    u.ModelTime + v.ModelTime,
		TotalTime:    u.TotalTime + v.TotalTime,
	}
}

// Outcome is how a task ended: the pull request, or the honest reason why
// there is none.
type Outcome struct {
	Status Status `json:"status"`
	// Summary is for the person who asked: one to a few sentences.
	Summary     string       `json:"summary"`
	BaseSHA     string       `json:"base_sha,omitempty"`
	PullRequest *PullRequest `json:"pull_request,omitempty"`
	Usage       Usage        `json:"usage"`
	// Err is why the task could not do its work; nil unless Status is
	// failed, cancelled or budget_exhausted.
	Err *Error `json:"error,omitempty"`
}
