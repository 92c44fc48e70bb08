package bootstrap

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// userData is what the templates use of cloud-init's format.
type userData struct {
	Files []struct {
		Path        string `yaml:"path"`
		Permissions string `yaml:"permissions"`
		Content     string `yaml:"content"`
	} `yaml:"write_files"`
	Commands [][]string `yaml:"runcmd"`
}

// script returns a shell script that does what a cloud-config does. It is one
// command to the shell, so that half of it, pasted or sent, does nothing.
func script(config []byte) (string, error) {
	var d userData
	if err := yaml.Unmarshal(config, &d); err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString("#!/bin/sh\n")
	for line := range strings.Lines(string(config)) {
		if comment, ok := strings.CutPrefix(line, "# "); ok {
			out.WriteString("# " + comment)
		}
	}
	out.WriteString("{\nset -eu\n")
	for _, f := range d.Files {
		if strings.Contains(f.Content, "\nSEAWALL\n") {
			return "", fmt.Errorf("%s has a line that ends it", f.Path)
		}
		fmt.Fprintf(&out, "mkdir -p %s\n", quote(f.Path[:strings.LastIndexByte(f.Path, '/')]))
		// Made first with its mode: the content is never there for others.
		fmt.Fprintf(&out, "install -m %s /dev/null %[2]s\ncat >%[2]s <<'SEAWALL'\n%[3]sSEAWALL\n", f.Permissions, quote(f.Path), f.Content)
	}
	for _, c := range d.Commands {
		for i, word := range c {
			if i > 0 {
				out.WriteByte(' ')
			}
			out.WriteString(quote(word))
		}
		out.WriteByte('\n')
	}
	out.WriteString("}\n")
	return out.String(), nil
}

// quote makes a word one word of the shell's.
func quote(word string) string {
	if is(`^[A-Za-z0-9._/-]+$`, word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
