package config

// RepoFileName is where a repository's RepoFile lies, below its root.
const RepoFileName = ".honk.yaml"

// maxRepoFile caps .honk.yaml, which comes from a repository and is hostile.
const maxRepoFile = 64 << 10

// RepoFile is a repository's .honk.yaml, always read from the base commit.
type RepoFile struct {
	// Verify commands. Each replaces what would be detected of its kind in
	// its directory.
	Verify []Verify `yaml:"verify"`
	// Whether fleet shifts may come here: `off` or `no_automerge`. Default:
	// they may.
	Shifts Shifts `yaml:"shifts"`
	// The judge. It can only be made stricter than the organisation's.
	Judge RepoJudge `yaml:"judge"`
}

// RepoJudge is a repository's wish for the judge.
type RepoJudge struct {
	// `advise` or `veto`.
	Mode JudgeMode `yaml:"mode"`
}

// Shifts is a repository's answer to fleet shifts.
type Shifts string

// The answers; empty means that shifts may come.
const (
	ShiftsOff         Shifts = "off"
	ShiftsNoAutomerge Shifts = "no_automerge"
)

// ParseRepo parses a .honk.yaml. Empty data is a RepoFile without wishes. The
// error joins all problems, each a *task.Error of code invalid.
func ParseRepo(data []byte) (RepoFile, error) {
	const name = RepoFileName
	var file RepoFile
	if err := decode(name, data, maxRepoFile, &file); err != nil {
		return RepoFile{}, err
	}
	fillVerify(file.Verify)
	p := &problems{}
	checkVerify(p, name+": verify", file.Verify)
	switch file.Shifts {
	case "", ShiftsOff, ShiftsNoAutomerge:
	default:
		p.addf("%s: shifts %q is unknown; use off or no_automerge", name, file.Shifts)
	}
	switch file.Judge.Mode {
	case "", JudgeAdvise, JudgeVeto:
	default:
		p.addf("%s: judge.mode %q cannot be asked for; use advise or veto", name, file.Judge.Mode)
	}
	if err := p.join(); err != nil {
		return RepoFile{}, err
	}
	return file, nil
}
