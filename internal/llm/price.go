package llm

// Price is what a model costs in USD per million tokens.
type Price struct {
	Input float64
	// CachedInput is the price of input tokens read from the provider's
	// cache; 0 means that of Input.
	CachedInput float64
	Output      float64
}

// Cost returns what a usage costs in USD.
func Cost(u Usage, p Price) float64 {
	cached := p.CachedInput
	if cached == 0 {
		cached = p.Input
	}
	return (float64(u.InputTokens-u.CachedTokens)*p.Input +
		float64(u.CachedTokens)*cached +
		float64(u.OutputTokens)*p.Output) / 1e6
}

// Add returns the sum of two usages.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		InputTokens:  u.InputTokens + v.InputTokens,
		CachedTokens: u.CachedTokens + v.CachedTokens,
		OutputTokens: u.OutputTokens + v.OutputTokens,
	}
}
