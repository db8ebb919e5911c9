package verify

// Verifier is one check of a repository: what to run, where, and how to read
// what it prints.
type Verifier struct {
	// Name is unique within a plan: "go test", "npm run lint (web)".
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Dir is the directory it runs in, relative to the root.
	Dir string `json:"dir,omitempty"`
	// Command is what is run, as a person would type it.
	Command string `json:"command"`
	// Why names the marker that made it apply: "go.mod", ".honk.yaml".
	Why string `json:"why"`
}
