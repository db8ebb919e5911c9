package parts

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"honk/agent"
	"honk/internal/config"
	"honk/internal/llm"
	"honk/internal/llm/openai"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
)

// Models are the two metered models of one task.
type Models struct {
	Agent, Judging *llm.Meter
	Judge          *judge.Judge
	known          config.Model
}

// Pay says what a task pays with.
type Pay struct {
	Limits config.Limits
	// Ledger is where money is reserved; the zero value is one in memory over
	// the limits.
	Ledger llm.Ledger
	// Spent is what earlier attempts at the task have cost, in USD.
	Spent float64
	// NoticeFunc is told what a person waits for.
	NoticeFunc func(text string)
}

// NewModels returns the models of one task. It refuses a money limit for a
// model whose price nobody knows.
func NewModels(cfg *config.Config, pay Pay, log *slog.Logger) (Models, error) {
	judging := cmp.Or(cfg.LLM.JudgeModel, cfg.LLM.Model)
	if pay.Ledger.ReserveFunc == nil {
		pay.Ledger = llm.NewLedger(llm.Scope{Name: "task", Cap: llm.Amount{USD: pay.Limits.CostUSD, Tokens: pay.Limits.Tokens}})
	}
	retry := llm.Retry{NoticeFunc: func(w llm.Wait) {
		pay.NoticeFunc("waiting " + w.For.Round(time.Second).String() + " for the model: " + w.Err.Error())
	}}
	out := Models{known: cfg.Org.Models[cfg.LLM.Model]}
	var capabilities openai.Capabilities
	for _, m := range []struct {
		name     string
		meter    **llm.Meter
		holdBack bool
	}{{cfg.LLM.Model, &out.Agent, true}, {judging, &out.Judging, false}} {
		known := cfg.Org.Models[m.name]
		if pay.Limits.CostUSD > 0 && known.Price == nil {
			return Models{}, task.Errorf(task.CodeInvalid, "a money limit needs the price of model %q: set models.%s.price in honk.yaml, or leave --max-cost and limits.cost_usd out", m.name, m.name)
		}
		client, err := NewClient(cfg, m.name, log)
		if err != nil {
			return Models{}, err
		}
		capabilities = client.Capabilities()
		*m.meter = llm.NewMeter(llm.MeterConfig{
			Model: client, Ledger: pay.Ledger, Price: price(known.Price), MaxTokens: known.MaxOutputTokens,
			Retry: retry, HoldBack: m.holdBack,
		})
	}
	out.Judge = judge.New(out.Judging, judge.Options{SchemaOK: capabilities.ResponseFormat})
	return out, nil
}

// NewCrew engages agent and judge on one ledger.
func NewCrew(cfg *config.Config, pay Pay, log *slog.Logger) (runner.Crew, error) {
	m, err := NewModels(cfg, pay, log)
	if err != nil {
		return runner.Crew{}, err
	}
	limits := pay.Limits
	worker := agent.New(m.Agent, agent.Options{
		Limits: agent.Limits{
			Steps: limits.Steps, Time: limits.Time,
			ContextWindow: m.known.ContextWindow, MaxTokens: m.known.MaxOutputTokens,
		},
		SpentFunc:  func() (float64, float64) { return pay.Spent + m.Usage().CostUSD, limits.CostUSD },
		WrapUpFunc: m.Agent.WrapUp,
		Log:        log,
	})
	return runner.Crew{Agent: worker, Judge: m.Judge, UsageFunc: m.Usage}, nil
}

func price(p *config.Price) *llm.Price {
	if p == nil {
		return nil
	}
	out := &llm.Price{Input: p.Input, CachedInput: p.Input, Output: p.Output}
	if p.CachedInput != nil {
		out.CachedInput = *p.CachedInput
	}
	return out
}

// Usage is what both models have consumed.
func (m Models) Usage() task.Usage {
	var sum task.Usage
	for _, meter := range []*llm.Meter{m.Agent, m.Judging} {
		u := meter.Usage()
		sum = sum.Add(task.Usage{
			InputTokens: u.InputTokens, CachedTokens: u.CachedTokens, OutputTokens: u.OutputTokens,
			CostUSD: meter.Spent(), ModelTime: meter.ModelTime(),
		})
	}
	return sum
}

// NewClient returns the client of one model.
func NewClient(cfg *config.Config, model string, log *slog.Logger) (*openai.Client, error) {
	caps := openai.Detect(cfg.LLM.BaseURL, model)
	own := cfg.Org.Models[model].Capabilities
	caps.Images = cfg.Org.Models[model].Images
	override(&caps.ParallelTools, own.ParallelTools)
	override(&caps.StrictSchema, own.StrictSchema)
	override(&caps.ResponseFormat, own.ResponseFormat)
	override(&caps.EchoReasoning, own.EchoReasoning)
	override(&caps.Temperature, own.Temperature)
	caps.MaxTokensField = cmp.Or(own.MaxTokensField, caps.MaxTokensField)
	client, err := openai.New(openai.Config{
		BaseURL: cfg.LLM.BaseURL, APIKey: cfg.LLM.APIKey.Reveal(), Model: model, Capabilities: &caps, Log: log,
	})
	if err != nil {
		return nil, task.Errorf(task.CodeInvalid, "%w", err)
	}
	return client, nil
}

// Reach says at once that nothing answers at the endpoint, rather than after
// the checkout and a minute of tries.
func Reach(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	client, err := NewClient(cfg, cfg.LLM.Model, log)
	if err != nil {
		return err
	}
	if err := client.Reach(ctx); err != nil {
		return task.Errorf(task.CodeUnavailable, "the model endpoint cannot be reached; check HONK_LLM_BASE_URL: %w", err)
	}
	return nil
}

func override(assumed *bool, told *bool) {
	if told != nil {
		*assumed = *told
	}
}
