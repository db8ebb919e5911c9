package main

import (
	"context"
	"errors"
	"strconv"

	"honk/internal/llm"
	"honk/internal/task"
)

// The exit codes of the command line.
const (
	exitOK           = 0
	exitInternal     = 1
	exitUsage        = 2
	exitVerifyFailed = 10
	exitVetoed       = 11
	exitBudget       = 12
	exitBlocked      = 13
	exitModel        = 14
	exitCancelled    = 130
)

// exitError ends the program with a code when all has been said already.
type exitError int

func (e exitError) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// exitOf returns the exit code of an outcome.
func exitOf(o task.Outcome) int {
	switch o.Status {
	case task.StatusDelivered, task.StatusNoChange:
		return exitOK
	case task.StatusVerifyFailed:
		return exitVerifyFailed
	case task.StatusVetoed:
		return exitVetoed
	case task.StatusBudgetExhausted:
		return exitBudget
	case task.StatusBlocked:
		return exitBlocked
	case task.StatusCancelled:
		return exitCancelled
	case task.StatusFailed, task.StatusQueued, task.StatusRunning:
		if o.Err != nil {
			return exitCodeOf(o.Err)
		}
	}
	return exitInternal
}

// exitCodeOf returns the exit code of an error that ended a command.
func exitCodeOf(err error) int {
	if errors.Is(err, context.Canceled) {
		return exitCancelled
	}
	if llm.ClassOf(err) != "" {
		return exitModel
	}
	switch task.CodeOf(err) {
	case task.CodeInvalid, task.CodeNotFound, task.CodeConflict, task.CodeForbidden:
		return exitUsage
	case task.CodeUnavailable, task.CodeRateLimited:
		return exitModel
	case task.CodeBudget:
		return exitBudget
	case task.CodeCancelled:
		return exitCancelled
	case task.CodeTimeout, task.CodeSandbox, task.CodeInternal, task.CodeStuck:
		return exitInternal
	}
	return exitInternal
}
