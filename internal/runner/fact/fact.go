// Package fact tells how a task stands and how it ended, in plain words that
// every door puts into its own markup. It escapes nothing: what is made of
// people's, a model's or a repository's words is as hostile as they are. All
// of it is pure.
package fact

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"honk/internal/runner"
	"honk/internal/task"
)

// Clock is a duration for a person: 41s, 3m 12s, 1h 4m; "" for none.
func Clock(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Second:
		return "<1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
}

// Money is an amount of US dollars, "" for none; what is less than a cent but
// not nothing says so.
func Money(usd float64) string {
	switch {
	case usd <= 0:
		return ""
	case usd < 0.01:
		return "<$0.01"
	}
	return fmt.Sprintf("$%.2f", usd)
}

// Cost is what a task has cost, in tokens where nobody knows a price, "" when
// no model was asked.
func Cost(u task.Usage) string {
	if u.CostUSD > 0 {
		return Money(u.CostUSD)
	}
	if n := u.InputTokens + u.OutputTokens; n > 0 {
		return Thousands(n) + " tokens"
	}
	return ""
}

// Spent is what a view's task has cost in all, or so far.
func Spent(v runner.View) string {
	if v.Result != nil {
		return cmp.Or(Cost(v.Result.Usage), Money(v.CostUSD))
	}
	return Money(v.CostUSD)
}

// Bill is what a task took, as far as it did: the model, which is configured
// where the request names none, and how much of it, in steps and cost.
func Bill(t task.Task, u task.Usage, configured string) (model string, amounts []string) {
	if u.Steps > 0 {
		model = cmp.Or(t.Request.Options.Model, configured)
		amounts = append(amounts, Count(u.Steps, "step"))
	}
	if c := Cost(u); c != "" {
		amounts = append(amounts, c)
	}
	return model, amounts
}

// Thousands is a number with commas: 12,345.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural is a word as it stands behind a number.
func Plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// Count is a number of things: "1 step", "1,200 steps".
func Count(n int, word string) string { return Thousands(n) + " " + Plural(n, word) }

// Place is a place in a file, "" for none.
func Place(file string, line int) string {
	if file != "" && line > 0 {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return file
}
