package sandbox

// Tools are a machine's compilers and caches that lie outside the directories
// every sandbox shows: what to mount read-only, what to put in front of PATH,
// and what the programs need to know.
type Tools struct {
	Mounts []Mount
	Path   []string
	Env    map[string]string
}
