// Command reference writes the reference of the built-in checks: a page in Markdown
// for each family, and an index.
//
//	reference FOLDER
//
// The pages are made of nothing but the checks themselves. Its test fails when
// docs/checks differs from what the checks say.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"seawall/agent/facts"
	"seawall/agent/policy"
	"seawall/agent/policy/checks"
	"seawall/pkg/finding"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reference FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	pages, err := pages()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write reference: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return fmt.Errorf("write reference: %w", err)
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("write reference: %w", err)
		}
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil {
			return fmt.Errorf("write reference: %w", err)
		}
	}
	return nil
}

// catalogue is every check with its remedies by family of distribution.
type catalogue struct {
	checks   []policy.Check
	families []string
	remedies map[string]map[string]string // by check, then distribution; "" is the default
}

func load() (*catalogue, error) {
	p, err := checks.Load(facts.Facts{}, nil)
	if err != nil {
		return nil, fmt.Errorf("load checks: %w", err)
	}
	c := &catalogue{checks: p.Checks(), remedies: map[string]map[string]string{}}
	for _, distribution := range []string{"", "debian", "rhel", "fedora"} {
		for _, info := range p.Pack(distribution).Checks {
			of := c.remedies[info.ID]
			if of == nil {
				of = map[string]string{}
				c.remedies[info.ID] = of
			}
			if info.Remediation != of[""] {
				of[distribution] = info.Remediation
			}
		}
	}
	for _, check := range c.checks {
		c.families = append(c.families, check.Family)
	}
	slices.Sort(c.families)
	c.families = slices.Compact(c.families)
	return c, nil
}

// pages are the files of the reference by name.
func pages() (map[string][]byte, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{"README.md": c.index()}
	for _, family := range c.families {
		all[family+".md"] = c.page(family)
	}
	return all, nil
}

// index lists all checks.
func (c *catalogue) index() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The built-in checks\n\nMade by `make reference` from the checks themselves: %d checks in %d families. "+
		"[How to write your own](../checks.md).\n", len(c.checks), len(c.families))
	for _, family := range c.families {
		of := c.of(family)
		fmt.Fprintf(&b, "\n## [%s](%s.md): %d checks\n\n| check | severity | profiles | what is right |\n|---|---|---|---|\n", family, family, len(of))
		for _, check := range of {
			fmt.Fprintf(&b, "| [%s](%s.md#%s) | %s | %s | %s |\n", check.ID, family, check.ID, check.Severity, strings.Join(check.Profiles, ", "), cell(check.Title))
		}
	}
	return b.Bytes()
}

func (c *catalogue) of(family string) []policy.Check {
	return slices.DeleteFunc(slices.Clone(c.checks), func(check policy.Check) bool { return check.Family != family })
}

// page describes the checks of a family.
func (c *catalogue) page(family string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Checks of the family %s\n\nMade by `make reference`; [all families](README.md).\n", family)
	for _, check := range c.of(family) {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n", check.ID, plain(check.Title), plain(check.Rationale))
		row := func(name, text string) {
			if text != "" {
				fmt.Fprintf(&b, "- %s: %s\n", name, text)
			}
		}
		row("severity", check.Severity.String())
		row("profiles", strings.Join(check.Profiles, ", "))
		row("references", plain(strings.Join(check.References, "; ")))
		row("facts", "`"+strings.Join(check.Needs, "`, `")+"`")
		row("parameters", strings.Join(check.Parameters, ", "))
		row("passes when", code(check.Rule))
		c.remedy(&b, check.CheckInfo)
	}
	return b.Bytes()
}

// remedy writes what to paste.
func (c *catalogue) remedy(b *bytes.Buffer, check finding.CheckInfo) {
	of := c.remedies[check.ID]
	for _, d := range []struct{ name, title string }{{"debian", "Debian and Ubuntu"}, {"rhel", "the family of RHEL"}, {"fedora", "Fedora"}, {"", "Fix"}} {
		text, title := of[d.name], d.title
		switch {
		case text == "":
			continue
		case d.name != "":
			title = "Fix on " + title
		case len(of) > 1:
			title = "Fix elsewhere"
		}
		fmt.Fprintf(b, "\n%s:\n\n%s\n", title, indent(text))
	}
}

// indent makes text a block of code whatever is in it.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight("    "+strings.TrimSuffix(line, "\n"), " ") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// plain keeps text from being taken for Markdown.
func plain(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`).Replace(text)
}

func cell(text string) string { return strings.ReplaceAll(plain(text), "|", `\|`) }

// code is text between as many backquotes as it takes.
func code(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + " " + text + " " + fence
}
