package main

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"honk/internal/config"
	"honk/internal/llm"
	"honk/internal/llm/openai"
	"honk/internal/task"
	"honk/judge"
)

// models are the two metered models of one task.
type models struct {
	agent, judging *llm.Meter
	judge          *judge.Judge
	known          config.Model
}

func newModels(cfg *config.Config, limits config.Limits, notice func(string), log *slog.Logger) (models, error) {
	judging := cfg.LLM.JudgeModel
	if judging == "" {
		judging = cfg.LLM.Model
	}
	ledger := llm.NewLedger(llm.Scope{Name: "task", Cap: llm.Amount{USD: limits.CostUSD, Tokens: limits.Tokens}})
	retry := llm.Retry{NoticeFunc: func(w llm.Wait) {
		notice("waiting " + w.For.Round(time.Second).String() + " for the model: " + w.Err.Error())
	}}
	out := models{known: cfg.Org.Models[cfg.LLM.Model]}
	var capabilities openai.Capabilities
	for _, m := range []struct {
		name     string
		meter    **llm.Meter
		holdBack bool
	}{{cfg.LLM.Model, &out.agent, true}, {judging, &out.judging, false}} {
		known := cfg.Org.Models[m.name]
		if limits.CostUSD > 0 && known.Price == nil {
			return models{}, task.Errorf(task.CodeInvalid, "a money limit needs the price of model %q: set models.%s.price in honk.yaml, or leave --max-cost and limits.cost_usd out", m.name, m.name)
		}
		client, err := newClient(cfg, m.name, log)
		if err != nil {
			return models{}, err
		}
		capabilities = client.Capabilities()
		*m.meter = llm.NewMeter(llm.MeterConfig{
			Model: client, Ledger: ledger, Price: price(known.Price), MaxTokens: known.MaxOutputTokens,
			Retry: retry, HoldBack: m.holdBack,
		})
	}
	out.judge = judge.New(out.judging, judge.Options{SchemaOK: capabilities.ResponseFormat})
	return out, nil
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

// usage is what both models have consumed.
func (m models) usage() task.Usage {
	var sum task.Usage
	for _, meter := range []*llm.Meter{m.agent, m.judging} {
		u := meter.Usage()
		sum = sum.Add(task.Usage{
			InputTokens: u.InputTokens, CachedTokens: u.CachedTokens, OutputTokens: u.OutputTokens,
			CostUSD: meter.Spent(), ModelTime: meter.ModelTime(),
		})
	}
	return sum
}

func newClient(cfg *config.Config, model string, log *slog.Logger) (*openai.Client, error) {
	caps := openai.Detect(cfg.LLM.BaseURL, model)
	own := cfg.Org.Models[model].Capabilities
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

// reach says at once that nothing answers at the endpoint, rather than after
// the checkout and a minute of tries.
func reach(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	client, err := newClient(cfg, cfg.LLM.Model, log)
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
