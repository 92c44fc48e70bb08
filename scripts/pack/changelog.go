package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// entry is one version's changes.
type entry struct {
	version string
	when    time.Time
	changes []string // each one line; "[ Added ]" is a heading
}

// entries reads CHANGELOG.md. "## Unreleased" is the packed version, "## 1.2.0 - 2027-01-31"
// an earlier one; a heading without a date is an error.
func entries(text, version string, when time.Time) ([]entry, error) {
	var list []entry
	open := false // a change that the next line may go on with
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\r\n "), "`", "")
		if title, ok := strings.CutPrefix(line, "## "); ok {
			e := entry{version: version, when: when}
			if title != "Unreleased" {
				name, day, _ := strings.Cut(title, " - ")
				date, err := time.Parse(time.DateOnly, day)
				if err != nil {
					return nil, fmt.Errorf("changelog: %q: %w", title, err)
				}
				e = entry{version: name + "-1", when: date}
			}
			list, open = append(list, e), false
			continue
		}
		if len(list) == 0 {
			continue
		}
		changes := &list[len(list)-1].changes
		switch rest := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "### "):
			*changes, open = append(*changes, "[ "+line[4:]+" ]"), false
		case strings.HasPrefix(line, "- "):
			*changes, open = append(*changes, line[2:]), true
		case rest == "":
			open = false
		case open:
			(*changes)[len(*changes)-1] += " " + rest
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("changelog: no version in it")
	}
	// A version that was released from here is its own first entry.
	if first, _, _ := strings.Cut(version, "-"); len(list) > 1 && len(list[0].changes) == 0 && strings.HasPrefix(list[1].version, first+"-") {
		list = list[1:]
	}
	return list, nil
}

func heading(change string) bool { return strings.HasPrefix(change, "[ ") }

// debChangelog writes what deb-changelog(5) describes.
func debChangelog(out io.Writer, list []entry, name, packager string) error {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "%s (%s) unstable; urgency=medium\n\n", name, e.version)
		for _, change := range e.changes {
			if heading(change) {
				fmt.Fprintf(&b, "  %s\n", change)
				continue
			}
			for i, line := range wrap(change, 74) {
				fmt.Fprintf(&b, "  %s %s\n", string("* "[min(i, 1)]), line)
			}
		}
		fmt.Fprintf(&b, "\n -- %s  %s\n\n", packager, e.when.Format(time.RFC1123Z))
	}
	_, err := io.WriteString(out, strings.TrimSuffix(b.String(), "\n"))
	return err
}

// wrap cuts text at blanks into lines of at most width characters, where words are not longer.
func wrap(text string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// rpmChangelog writes the YAML that nfpm reads.
func rpmChangelog(out io.Writer, list []entry, packager string) error {
	type note struct {
		Note string `yaml:"note"`
	}
	type version struct {
		Semver   string    `yaml:"semver"`
		Date     time.Time `yaml:"date"`
		Packager string    `yaml:"packager"`
		Changes  []note    `yaml:"changes"`
	}
	var versions []version
	for _, e := range list {
		v := version{Semver: e.version, Date: e.when, Packager: packager}
		for _, change := range e.changes {
			if !heading(change) {
				v.Changes = append(v.Changes, note{change})
			}
		}
		versions = append(versions, v)
	}
	enc := yaml.NewEncoder(out)
	if err := enc.Encode(versions); err != nil {
		return fmt.Errorf("write the changelog: %w", err)
	}
	return enc.Close()
}
