package sandbox

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tools are a machine's compilers and caches that lie outside the directories
// every sandbox shows: what to mount read-only, what to put in front of PATH,
// and what the programs need to know.
type Tools struct {
	Mounts []Mount
	Path   []string
	Env    map[string]string
}

// DetectTools finds what a developer's machine has outside /usr, given the
// environment of its user: Go with its module cache, Rust with
// its registry, Python under pyenv, Node under nvm, volta or fnm, and Maven's
// repository. Only the directories that builds read are shown, at the paths
// they have outside, never the home directory and never a file that holds
// credentials.
//
// Package managers are told that there is no network, so that they name what
// is missing instead of waiting. Maven writes beside every artifact it reads:
// its repository is the read-only tail of a private one, which Maven 3.9 and
// later understand.
func DetectTools(env map[string]string) Tools {
	d := &detector{user: env, home: env["HOME"], dirs: filepath.SplitList(env["PATH"])}
	d.tools.Env = map[string]string{}
	d.goTools()
	d.rust()
	d.python()
	d.node()
	d.maven()
	// What is directly inside PATH and outside home, such as /opt/x/bin.
	for _, dir := range d.dirs {
		if strings.HasPrefix(dir, "/opt/") && filepath.Base(dir) == "bin" {
			d.show(filepath.Dir(dir), dir)
		}
	}
	return d.tools
}

type detector struct {
	user  map[string]string
	home  string
	dirs  []string
	tools Tools
}

// show mounts a directory and puts bins in front of PATH, in the order found.
func (d *detector) show(dir string, bins ...string) bool {
	stat, err := os.Stat(dir)
	if err != nil || !stat.IsDir() {
		return false
	}
	// Below /usr all is visible anyway.
	seen := strings.HasPrefix(dir, "/usr/") || slices.ContainsFunc(d.tools.Mounts,
		func(m Mount) bool { return m.Guest == dir })
	if !seen {
		d.tools.Mounts = append(d.tools.Mounts, Mount{Host: dir, Guest: dir})
	}
	for _, bin := range bins {
		if !slices.Contains(d.tools.Path, bin) {
			d.tools.Path = append(d.tools.Path, bin)
		}
	}
	return true
}

// find returns the file behind a program in PATH, symlinks resolved, "" when
// there is none. Directories in skip are passed over.
func (d *detector) find(name string, skip ...string) string {
	for _, dir := range d.dirs {
		if slices.Contains(skip, dir) || !filepath.IsAbs(dir) {
			continue
		}
		file, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if stat, err := os.Stat(file); err == nil && stat.Mode().IsRegular() && stat.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

func (d *detector) goTools() {
	program := d.find("go")
	if program == "" {
		return
	}
	bin := filepath.Dir(program)
	if root := filepath.Dir(bin); isFile(filepath.Join(root, "VERSION")) {
		d.show(root, bin)
	}
	gopath := cmp.Or(d.user["GOPATH"], filepath.Join(d.home, "go"))
	cache := cmp.Or(d.user["GOMODCACHE"], filepath.Join(filepath.SplitList(gopath)[0], "pkg", "mod"))
	d.env("GOTOOLCHAIN", "local", "GOPROXY", "off", "GOSUMDB", "off", "GOTELEMETRY", "off")
	if d.show(cache) {
		d.env("GOMODCACHE", cache)
	}
}

// rust shows rustup's toolchains rather than its proxies, which want to write.
func (d *detector) rust() {
	cargo := cmp.Or(d.user["CARGO_HOME"], filepath.Join(d.home, ".cargo"))
	for _, toolchain := range d.toolchains() {
		bin := filepath.Join(toolchain, "bin")
		if isFile(filepath.Join(bin, "cargo")) {
			d.show(toolchain, bin)
			break
		}
	}
	// Cargo locks its home, so that is private and only what it downloaded
	// is shown in it.
	for _, name := range []string{"registry", "git"} {
		host := filepath.Join(cargo, name)
		if stat, err := os.Stat(host); err == nil && stat.IsDir() {
			d.tools.Mounts = append(d.tools.Mounts, Mount{Host: host, Guest: host})
			d.env("CARGO_HOME", cargo)
		}
	}
	if d.find("cargo") != "" {
		d.env("CARGO_NET_OFFLINE", "true")
	}
}

// toolchains are rustup's, the default one first.
func (d *detector) toolchains() []string {
	rustup := cmp.Or(d.user["RUSTUP_HOME"], filepath.Join(d.home, ".rustup"))
	dir := filepath.Join(rustup, "toolchains")
	found, _ := filepath.Glob(filepath.Join(dir, "*"))
	settings, _ := os.ReadFile(filepath.Join(rustup, "settings.toml"))
	for line := range strings.Lines(string(settings)) {
		if name, ok := strings.CutPrefix(line, "default_toolchain = "); ok {
			found = append([]string{filepath.Join(dir, strings.Trim(strings.TrimSpace(name), `"`))}, found...)
		}
	}
	return found
}

// python shows the versions pyenv chose, since its shims are scripts that ask
// pyenv itself.
func (d *detector) python() {
	root := cmp.Or(d.user["PYENV_ROOT"], filepath.Join(d.home, ".pyenv"))
	chosen, _ := os.ReadFile(filepath.Join(root, "version"))
	for version := range strings.FieldsSeq(string(chosen)) {
		dir := filepath.Join(root, "versions", version)
		if filepath.Base(version) != version || version == "system" {
			continue
		}
		d.show(dir, filepath.Join(dir, "bin"))
	}
	d.env("PIP_NO_INDEX", "1", "PIP_DISABLE_PIP_VERSION_CHECK", "1", "UV_OFFLINE", "1")
}

// node shows the version a version manager put in PATH: the program's real
// place is PREFIX/bin/node.
func (d *detector) node() {
	shims := []string{filepath.Join(d.home, ".volta", "bin")}
	program := d.find("node", shims...)
	if found, _ := filepath.Glob(filepath.Join(d.home, ".volta/tools/image/node/*/bin/node")); program == "" && len(found) > 0 {
		program = found[len(found)-1]
	}
	if program != "" && !strings.HasPrefix(program, "/usr/") && filepath.Base(filepath.Dir(program)) == "bin" {
		bin := filepath.Dir(program)
		if prefix := filepath.Dir(bin); prefix != d.home && prefix != "/" {
			d.show(prefix, bin)
		}
	}
	d.env("npm_config_offline", "true", "npm_config_update_notifier", "false", "npm_config_fund", "false",
		"npm_config_audit", "false", "COREPACK_ENABLE_NETWORK", "0")
}

func (d *detector) maven() {
	if program := d.find("mvn"); program != "" {
		if prefix := filepath.Dir(filepath.Dir(program)); strings.HasPrefix(prefix, "/opt/") {
			d.show(prefix, filepath.Join(prefix, "bin"))
		}
	}
	args := "--offline"
	if repository := filepath.Join(d.home, ".m2", "repository"); d.show(repository) {
		args += " -Dmaven.repo.local.tail=" + repository
	}
	d.env("MAVEN_ARGS", args)
}

// env sets pairs of names and values.
func (d *detector) env(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		maps.Copy(d.tools.Env, map[string]string{pairs[i]: pairs[i+1]})
	}
}

func isFile(name string) bool {
	stat, err := os.Stat(name)
	return err == nil && stat.Mode().IsRegular()
}
