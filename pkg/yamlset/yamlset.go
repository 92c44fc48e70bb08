// Package yamlset changes single settings in a configuration file of lines
// "name: value", as both daemons have it, and leaves all else as a person wrote it:
// order, comments, other settings.
//
// A setting that is there gets its new value in its line. One that stands there as a
// comment, as in the files that packages bring, gets a line under it. Others come at
// the end. The file is replaced as a whole, with its owner and mode.
package yamlset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/wholefile"
)

const maxFile = 1 << 20

// Setting is a name and its value.
type Setting struct{ Name, Value string }

// Update gives settings in a file their values and reports whether that changed it.
// A file that is not there is made, with mode 0644.
func Update(name string, to ...Setting) (bool, error) {
	old, info, err := read(name)
	if err != nil {
		return false, err
	}
	text, err := Set(old, to...)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if info != nil && bytes.Equal(text, old) {
		return false, nil
	}
	mode := fs.FileMode(0o644)
	if info != nil {
		mode = info.Mode().Perm()
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return false, err
		}
	}
	return true, wholefile.Write(name, text, mode, info)
}

func read(name string) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, nil, fmt.Errorf("%s is not a regular file of at most %d bytes", name, maxFile)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	return text, info, err
}

// Set returns text with the settings at their values. What it returns has them, and
// the other settings as they were: text that would not is refused.
func Set(text []byte, to ...Setting) ([]byte, error) {
	want, err := parse(text)
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(text), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		lines[last] += "\n"
	}
	for _, s := range to {
		if old, ok := want[s.Name]; ok && old == s.Value {
			continue
		}
		want[s.Name] = s.Value
		line, err := render(s)
		if err != nil {
			return nil, err
		}
		lines = put(lines, s.Name, line)
	}
	out := []byte(strings.Join(lines, ""))
	got, err := parse(out)
	if err != nil {
		return nil, err
	}
	if len(got) != len(want) {
		return nil, errors.New("it is not written as one setting to a line")
	}
	for name, value := range want {
		if got[name] != value {
			return nil, fmt.Errorf("%s cannot be changed as it is written", name)
		}
	}
	return out, nil
}

func render(s Setting) (string, error) {
	value, err := yaml.Marshal(s.Value)
	if err != nil || bytes.Count(value, []byte("\n")) != 1 {
		return "", fmt.Errorf("%s: %q is not a value of one line", s.Name, s.Value)
	}
	return s.Name + ": " + string(value), nil
}

// put puts a setting's line where it belongs.
func put(lines []string, name, line string) []string {
	at := -1
	for i, l := range lines {
		if strings.HasPrefix(l, name+":") {
			lines[i] = line
			return lines
		}
		if strings.HasPrefix(l, "#"+name+":") {
			at = i
		}
	}
	if at < 0 {
		return append(lines, line)
	}
	return append(lines[:at+1], append([]string{line}, lines[at+1:]...)...)
}

// parse returns the settings of a file as text.
func parse(text []byte) (map[string]string, error) {
	var doc yaml.Node
	all := map[string]string{}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return all, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: want settings as \"name: value\"", top.Line)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		name, value := top.Content[i], top.Content[i+1]
		if _, twice := all[name.Value]; twice {
			return nil, fmt.Errorf("line %d: %s is set twice", name.Line, name.Value)
		}
		if value.Kind == yaml.ScalarNode {
			all[name.Value] = value.Value
			continue
		}
		whole, err := yaml.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", value.Line, err)
		}
		all[name.Value] = "\x00" + string(whole)
	}
	return all, nil
}
