package sshd

import (
	"strconv"
	"strings"

	"seawall/pkg/text"
)

// clean makes sshd's messages fit to keep: without carriage returns, and without
// the remarks on deprecated options where there is anything else.
func clean(stderr string) string {
	var all, telling []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(strings.ReplaceAll(line, "\r", ""))
		if line == "" {
			continue
		}
		all = append(all, line)
		if !strings.Contains(line, ": Deprecated option ") && !strings.Contains(line, ": Unsupported option ") {
			telling = append(telling, line)
		}
	}
	if len(telling) > 0 {
		all = telling
	}
	return text.Clean(strings.Join(all, "\n"), text.Limit)
}

// locate takes the first file and line out of sshd's message: "FILE line 3: …",
// "FILE: line 3: …" or "FILE: …".
func locate(msg string) *RefusedError {
	e := &RefusedError{Message: msg}
	for line := range strings.Lines(msg) {
		if !strings.HasPrefix(line, "/") {
			continue
		}
		file, rest, ok := strings.Cut(line, " line ")
		if number, _, colon := strings.Cut(rest, ":"); ok && colon {
			if n, err := strconv.Atoi(number); err == nil {
				e.File, e.Line = strings.TrimSuffix(file, ":"), n
				return e
			}
		}
		if file, _, ok := strings.Cut(line, ": "); ok && e.File == "" {
			e.File = file
		}
	}
	return e
}
