package server

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"honk/internal/task"
)

// versionLine is what the programs answer: "postgres (PostgreSQL) 17.5".
var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// searchPath returns the directories that may hold PostgreSQL's programs, the
// preferred first: the PATH, then where systems put them.
func searchPath() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(debian, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
	dirs = append(dirs, debian...)
	redHat, _ := filepath.Glob("/usr/pgsql-*/bin")
	brew, _ := filepath.Glob("/home/linuxbrew/.linuxbrew/opt/postgresql*/bin")
	return slices.Concat(dirs, redHat, []string{"/usr/local/pgsql/bin"}, brew)
}

// number returns the version in a directory's name, 0 when there is none.
func number(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// find returns the directory of the programs that fit a cluster of the given
// major version, or the preferred ones when there is no cluster yet.
func find(ctx context.Context, version string, path []string) (string, error) {
	first := ""
	for _, bin := range path {
		major := inspect(ctx, bin)
		if major != "" && (version == "" || version == major) {
			return bin, nil
		}
		first = cmp.Or(first, major)
	}
	if first == "" {
		return "", task.Errorf(task.CodeInvalid, "PostgreSQL is not installed here: "+
			"install it (apt install postgresql) or set HONK_DATABASE_URL to one elsewhere")
	}
	return "", task.Errorf(task.CodeInvalid, "the database was made by PostgreSQL %s, but %s is installed: "+
		"install PostgreSQL %s beside it, or move the data with pg_upgrade, or remove the database's directory to start empty",
		version, first, version)
}

// inspect returns the major version of the programs in a directory, "" when
// they are not there or do not work.
func inspect(ctx context.Context, bin string) string {
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return ""
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version")
	cmd.Env = environment()
	out, err := cmd.Output()
	if m := versionLine.FindSubmatch(out); err == nil && m != nil {
		return string(m[1])
	}
	return ""
}

// Programs returns where the PostgreSQL is that Start would run in a
// directory, and its major version. It makes and starts nothing. The errors
// are those of Start.
func Programs(ctx context.Context, dir string) (bin, version string, err error) {
	c, err := openCluster(dir)
	if err != nil {
		return "", "", err
	}
	defer c.close()
	if bin, err = find(ctx, c.version, searchPath()); err != nil {
		return "", "", err
	}
	return bin, inspect(ctx, bin), nil
}
