// Command shiftschema writes the JSON schema of shift manifests, for editors
// and for those who check manifests before Honk does, or a table of their keys.
package main

import (
	"flag"
	"fmt"
	"os"

	"honk/fleet/manifest"
)

func main() {
	out := flag.String("o", "docs/shift.schema.json", "file to write")
	asTable := flag.Bool("table", false, "write a table in Markdown")
	flag.Parse()
	if err := write(*out, *asTable); err != nil {
		fmt.Fprintln(os.Stderr, "shiftschema:", err)
		os.Exit(1)
	}
}

func write(out string, asTable bool) (err error) {
	text := manifest.Schema()
	if asTable {
		if text, err = table(text); err != nil {
			return err
		}
	}
	return os.WriteFile(out, text, 0o644)
}
