package sandbox

// BasePath is the PATH of commands where nothing is put in front of it.
const BasePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// BaseEnv returns the fixed part of every command's environment: programs are
// told that nobody watches and nobody answers. Backends add PATH, HOME and
// TMPDIR; nothing of the worker's environment is ever in it.
func BaseEnv() map[string]string {
	return map[string]string{
		"CI":                  "1",
		"DEBIAN_FRONTEND":     "noninteractive",
		"GIT_EDITOR":          "true",
		"GIT_PAGER":           "cat",
		"GIT_TERMINAL_PROMPT": "0",
		"LANG":                "C.UTF-8",
		"NO_COLOR":            "1",
		"PAGER":               "cat",
		"PIP_PROGRESS_BAR":    "off",
		"TERM":                "dumb",
	}
}
