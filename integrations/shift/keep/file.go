package keep

import (
	"errors"
	"io/fs"

	"honk/fleet/manifest"
	"honk/internal/task"
)

// File is a manifest as it was handed in.
type File struct {
	// Name is for messages.
	Name string
	Data []byte
	// Files are those that the manifest may name, by their path beside it.
	Files map[string][]byte
}

// Parse reads a manifest and refuses what it describes well and Honk cannot do.
func (s *Store) Parse(f File) (*manifest.Manifest, error) {
	m, _, err := s.Read(f)
	return m, err
}

// Read is Parse, and returns the file with what of Files it names: nobody
// means to store the others.
func (s *Store) Read(f File) (*manifest.Manifest, File, error) {
	named := File{Name: f.Name, Data: f.Data, Files: map[string][]byte{}}
	m, err := manifest.Parse(f.Name, f.Data, manifest.Options{AutoPrompt: s.AutoPrompt, Read: func(name string) ([]byte, error) {
		data, ok := f.Files[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		named.Files[name] = data
		return data, nil
	}})
	if err != nil {
		return nil, named, err
	}
	return m, named, Possible(f.Name, m)
}

// Possible refuses a valid manifest for what cannot be done yet.
func Possible(file string, m *manifest.Manifest) error {
	var problems []error
	refuse := func(is bool, what string) {
		if is {
			problems = append(problems, task.Errorf(task.CodeInvalid, "%s: %s cannot be done yet", file, what))
		}
	}
	spec := m.Spec
	refuse(spec.Transform.Container != nil && spec.Transform.Container.Network == "full", "spec.transform.container.network: full")
	refuse(spec.Transform.Script != nil && spec.Transform.Script.Network == "full", "spec.transform.script.network: full")
	return errors.Join(problems...)
}
