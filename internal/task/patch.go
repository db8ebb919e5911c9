package task

// Patch is a change to a commit. It comes out of a sandbox and is hostile:
// whoever applies it checks it first.
type Patch struct {
	// Base is the commit it applies to, in full hexadecimal.
	Base string `json:"base"`
	// Diff is a git diff with full index lines and binary hunks; it applies
	// with git apply.
	Diff []byte `json:"diff"`
	// Files lists every changed path, sorted by path.
	Files []FileChange `json:"files"`
}

// Empty reports whether the patch changes nothing.
func (p Patch) Empty() bool { return len(p.Files) == 0 }

// ChangeKind says what happened to a file.
type ChangeKind string

// The kinds of change. A rename is a deletion and an addition.
const (
	ChangeAdded    ChangeKind = "added"
	ChangeModified ChangeKind = "modified"
	ChangeDeleted  ChangeKind = "deleted"
)

// FileChange is one file of a Patch.
type FileChange struct {
	Path string     `json:"path"`
	Kind ChangeKind `json:"kind"`
	// OldMode and NewMode are git modes (0o100644, 0o100755, 0o120000), 0
	// where the file does not exist.
	OldMode uint32 `json:"old_mode,omitempty"`
	NewMode uint32 `json:"new_mode,omitempty"`
	// Added and Removed count lines; both are 0 for a binary file.
	Added   int  `json:"added"`
	Removed int  `json:"removed"`
	Binary  bool `json:"binary,omitempty"`
	// Size is the new size in bytes.
	Size int64 `json:"size"`
}

// PullRequestState is the life of a pull request after delivery.
type PullRequestState string

// The states of a pull request.
const (
	PullRequestOpen   PullRequestState = "open"
	PullRequestMerged PullRequestState = "merged"
	PullRequestClosed PullRequestState = "closed"
)

// PullRequest is what a task leaves at the forge. For --publish branch only
// Branch and HeadSHA are set.
type PullRequest struct {
	Number  int    `json:"number,omitempty"`
	URL     string `json:"url,omitempty"`
	Branch  string `json:"branch"`
	HeadSHA string `json:"head_sha"`
	// Base is the branch it is for.
	Base  string           `json:"base,omitempty"`
	State PullRequestState `json:"state,omitempty"`
}
