package wire

import "honk/sandbox"

// Marker is the first argument of a process that is to become a guest. No
// person types it.
const Marker = "@honk-sandbox-guest"

// Config is what a guest is told when it starts.
type Config struct {
	// Root is the work tree as commands see it.
	Root string
	// Keep is a directory outside the work tree for kept output.
	Keep string
	// Env is the whole environment of commands.
	Env map[string]string
	// Measured are the directories whose growth Limits.Disk caps.
	Measured []string
	Limits   sandbox.Limits
	// Contained says that a cgroup caps memory and processes, so that the
	// guest need not.
	Contained bool
	// Shared says that the user of the commands runs other programs too, so
	// that a limit on its processes would count those.
	Shared bool
}

// Threads is how many threads the guest has at most. Limits on the processes
// of a sandbox are that much higher.
const Threads = 40

// ProbeRequest names what a probe must not be able to do.
type ProbeRequest struct {
	// Read are files that must not open, Write files that must not open for
	// writing.
	Read  []string
	Write []string
	// Create are files that must not come into being.
	Create []string
	// Dial are networks and addresses, alternating, that must not answer.
	Dial []string
	// Secret must not be in the environment or command line of any process.
	Secret string
}

// ProbeResult lists what it could do, in words.
type ProbeResult struct {
	Escapes []string
}
