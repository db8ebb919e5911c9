package service_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"honk/sandbox/image/imagetest"
)

// imageActs are what happens at a registry of container images.
var imageActs = map[string]command{
	"image": {"REPOSITORY SOURCE MANIFEST", 3, 3, false, imagePushed},
}

// imagePushed puts an image into a registry of its own whose one program,
// /program, is built from a file of Go, and its name into the manifest in place
// of IMAGE. The registry wants a login, which the program is given.
func imagePushed(s *scene, args []string) error {
	program := filepath.Join(s.Getenv("WORK"), "program")
	cmd := exec.CommandContext(s.Context(), "go", "build", "-trimpath", "-o", program, s.MkAbs(args[1]))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Logf("%s", out)
		return err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	reg := imagetest.New()
	s.Cleanup(reg.Close)
	ref, err := reg.Push(args[0], imagetest.Image{Programs: map[string][]byte{"/program": data}, Env: []string{"MODE=slow"}, Command: []string{"/program"}})
	if err != nil {
		return err
	}
	reg.Login("honk", "registry-pa55word-"+canary)
	login := base64.StdEncoding.EncodeToString([]byte("honk:registry-pa55word-" + canary))
	file := filepath.Join(s.env["HOME"], "registry.json")
	if err := os.WriteFile(file, []byte(`{"auths": {"`+reg.Host()+`": {"auth": "`+login+`"}}}`), 0o600); err != nil {
		return err
	}
	s.env["HONK_REGISTRY_CONFIG_FILE"] = file
	s.Setenv("HONK_REGISTRY_CONFIG_FILE", file)
	manifest := s.MkAbs(args[2])
	text, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	return os.WriteFile(manifest, []byte(strings.ReplaceAll(string(text), "IMAGE", ref)), 0o600)
}
