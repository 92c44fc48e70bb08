package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// script writes a maintainer script with its includes in their places.
func script(out io.Writer, name, library, pkg string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if include, ok := strings.CutPrefix(line, "#include "); ok {
			include = strings.TrimSpace(include)
			if include == "package" {
				include = pkg + ".sh"
			}
			part, err := os.ReadFile(filepath.Join(library, include))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			line = string(part)
		}
		if _, err := io.WriteString(out, line); err != nil {
			return err
		}
	}
	return nil
}
