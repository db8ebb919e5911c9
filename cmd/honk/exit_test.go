package main

import (
	"testing"

	"honk/internal/task"
)

func TestExitOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status task.Status
		code   task.Code
		want   int
	}{
		{task.StatusDelivered, "", 0},
		{task.StatusNoChange, "", 0},
		{task.StatusVerifyFailed, "", 10},
		{task.StatusVetoed, "", 11},
		{task.StatusBudgetExhausted, task.CodeBudget, 12},
		{task.StatusBlocked, "", 13},
		{task.StatusCancelled, task.CodeCancelled, 130},
		{task.StatusFailed, task.CodeUnavailable, 14},
		{task.StatusFailed, task.CodeInvalid, 2},
		{task.StatusFailed, task.CodeNotFound, 2},
		{task.StatusFailed, task.CodeInternal, 1},
		{task.StatusFailed, task.CodeSandbox, 1},
		{task.StatusFailed, "", 1},
		{task.StatusRunning, "", 1},
	}
	for _, tt := range tests {
		o := task.Outcome{Status: tt.status}
		if tt.code != "" {
			o.Err = &task.Error{Code: tt.code}
		}
		if got := exitOf(o); got != tt.want {
			t.Errorf("exit code of %s %s is %d, want %d", tt.status, tt.code, got, tt.want)
		}
	}
}
