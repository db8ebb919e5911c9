package runner

import (
	"slices"

	"honk/verify"
)

// Brief returns the result without what is stored elsewhere or fills pages:
// the patch's bytes and the names of all tests.
func (r Result) Brief() Result {
	r.Patch.Diff = nil
	r.Gate.Report, r.Gate.Base = brief(r.Gate.Report), brief(r.Gate.Base)
	return r
}

func brief(report verify.Report) verify.Report {
	report.Results = slices.Clone(report.Results)
	for i := range report.Results {
		report.Results[i].TestIDs, report.Results[i].Passed = nil, nil
	}
	return report
}
