package parse

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// scriptFrame is a frame of the repository in a JavaScript stack.
var scriptFrame = regexp.MustCompile(`(?m)^\s+at (?:.*\()?([^\s():/][^\s():]*\.[cm]?[jt]sx?):(\d+):\d+\)?$`)

// Jest reads the JSON report of jest, which vitest writes too. A test's ID is
// "file > full name".
func Jest(root string, raw []byte) Reading {
	var report struct {
		TestResults []struct {
			Name, Message, Status string
			AssertionResults      []struct {
				FullName, Status string
				FailureMessages  []string
				Location         *struct{ Line, Column int }
			}
		}
	}
	var r Reading
	if json.Unmarshal(raw, &report) != nil {
		return r
	}
	r.Tests = &Tests{}
	for _, file := range report.TestResults {
		name := relative(strings.TrimPrefix(file.Name, root+"/"))
		if len(file.AssertionResults) == 0 && file.Status == "failed" {
			r.add(Finding{File: name, Rule: "suite", Message: Clean([]byte(file.Message))})
		}
		for _, a := range file.AssertionResults {
			id := name + " > " + a.FullName
			switch a.Status {
			case "passed":
				r.Tests.ran(id, true)
			case "failed":
				r.Tests.ran(id, false)
				f := Finding{File: name, TestID: id}
				f.Message = frameMessage("", Clean([]byte(strings.Join(a.FailureMessages, "\n"))))
				if m := scriptFrame.FindStringSubmatch(f.Message); m != nil && m[1] == name {
					f.Line, _ = strconv.Atoi(m[2])
				} else if a.Location != nil {
					f.Line, f.Col = a.Location.Line, a.Location.Column
				}
				r.add(f)
			default:
				r.Tests.Skips++
			}
		}
	}
	return r
}

// Ruff reads ruff check --output-format=json.
func Ruff(root string, raw []byte) Reading {
	var all []struct {
		Code, Message, Filename string
		Location                struct{ Row, Column int }
	}
	var r Reading
	if json.Unmarshal(raw, &all) != nil {
		return r
	}
	for _, f := range all {
		r.add(Finding{
			File: relative(strings.TrimPrefix(f.Filename, root+"/")), Rule: f.Code,
			Line: f.Location.Row, Col: f.Location.Column, Message: f.Message,
		})
	}
	return r
}

// ESLint reads eslint -f json, errors only: a warning does not fail it.
func ESLint(root string, raw []byte) Reading {
	var all []struct {
		FilePath string
		Messages []struct {
			RuleID, Message        string
			Severity, Line, Column int
		}
	}
	var r Reading
	if json.Unmarshal(raw, &all) != nil {
		return r
	}
	for _, file := range all {
		for _, m := range file.Messages {
			if m.Severity < 2 {
				continue
			}
			r.add(Finding{
				File: relative(strings.TrimPrefix(file.FilePath, root+"/")), Rule: m.RuleID,
				Line: m.Line, Col: m.Column, Message: m.Message,
			})
		}
	}
	return r
}
