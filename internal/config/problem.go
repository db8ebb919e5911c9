package config

import (
	"errors"

	"github.com/caarlos0/env/v11"

	"honk/internal/task"
)

// problems collects what is wrong, to be told all at once.
type problems []error

func (p *problems) addf(format string, args ...any) {
	*p = append(*p, task.Errorf(task.CodeInvalid, format, args...))
}

// join returns the problems as one error, nil when there are none.
func (p *problems) join() error { return errors.Join(*p...) }

// addParse adds the errors of the environment parser by the variable's name;
// the parser names the Go field.
func (p *problems) addParse(err error) {
	var all env.AggregateError
	if !errors.As(err, &all) {
		p.addf("reading the environment: %w", err)
		return
	}
	for _, e := range all.Errors {
		var parse env.ParseError
		if !errors.As(e, &parse) {
			p.addf("reading the environment: %w", e)
			continue
		}
		for _, field := range variables() {
			if field.Name == parse.Name {
				p.addf("%s is not a valid %s; correct it or unset it",
					field.Tag.Get("env"), field.Type)
			}
		}
	}
}
