// Command shiftschema writes the JSON schema of shift manifests, for editors
// and for those who check manifests before Honk does.
package main

import (
	"flag"
	"fmt"
	"os"

	"honk/fleet/manifest"
)

func main() {
	out := flag.String("o", "docs/shift.schema.json", "file to write")
	flag.Parse()
	if err := os.WriteFile(*out, manifest.Schema(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "shiftschema:", err)
		os.Exit(1)
	}
}
