// Command docs writes man pages and shell completions of the built programs.
//
//	docs BIN OUT PROSE PROGRAM.SECTION...
//
// It asks the programs themselves: `PROGRAM COMMAND --help` is the text of each
// page, so page and help never differ, and nothing that makes pages is linked into
// a program. What no help says (files, signals, other pages) is PROSE/PROGRAM.man, in
// man(7), at the end of the program's own page; a comment in its first line is what the
// page is called in lists (whatis(1)). OUT gets manSECTION/ and
// completions/{bash,zsh,fish}/.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: docs BIN OUT PROSE PROGRAM.SECTION...")
		os.Exit(2)
	}
	for _, name := range os.Args[4:] {
		program, section, _ := strings.Cut(name, ".")
		if err := document(os.Args[1], os.Args[2], os.Args[3], program, section); err != nil {
			fmt.Fprintln(os.Stderr, "docs:", err)
			os.Exit(1)
		}
	}
}

// comment starts a line of man(7) that is not shown.
const comment = `.\" `

// manual is the title of a section of the manual that programs stand in.
func manual(section string) string {
	if section == "8" {
		return "System Administration"
	}
	return "User Commands"
}

func document(bin, out, prose, program, section string) error {
	pages, err := walk(filepath.Join(bin, program), []string{program}, "")
	if err != nil {
		return err
	}
	more, err := os.ReadFile(filepath.Join(prose, program+".man"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	pages[0].prose = string(more)
	if line, rest, _ := strings.Cut(string(more), "\n"); strings.HasPrefix(line, comment) {
		pages[0].short, pages[0].prose = line[len(comment):], rest
	}
	for _, p := range pages {
		p.section = section
		if err := write(filepath.Join(out, "man"+section, strings.Join(p.path, "-")+"."+section), p.roff()); err != nil {
			return err
		}
	}
	for shell, name := range map[string]string{"bash": program, "zsh": "_" + program, "fish": program + ".fish"} {
		script, err := exec.Command(filepath.Join(bin, program), "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("%s completion %s: %w", program, shell, err)
		}
		if err := write(filepath.Join(out, "completions", shell, name), string(script)); err != nil {
			return err
		}
	}
	return nil
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// page is one command's help, cut into its sections.
type page struct {
	path     []string // program, command, subcommand
	short    string
	sections []section
	section  string // of the manual
	prose    string // man(7), written by hand
}

type section struct {
	title string // "" before the first title
	lines []string
}

// walk returns the page of a command and of all below it.
func walk(binary string, path []string, short string) ([]page, error) {
	help, err := exec.Command(binary, append(path[1:len(path):len(path)], "--help")...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s --help: %w", strings.Join(path, " "), err)
	}
	p := page{path: path, short: short, sections: cut(string(help))}
	if p.short == "" && len(p.sections[0].lines) > 0 {
		p.short = strings.TrimSuffix(p.sections[0].lines[0], ".")
	}
	pages := []page{p}
	for _, s := range p.sections {
		if !strings.HasSuffix(s.title, "Commands") {
			continue
		}
		for _, line := range s.lines {
			name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			if name == "" || name == "help" || name == "completion" {
				continue
			}
			below, err := walk(binary, append(path[:len(path):len(path)], name), strings.TrimSpace(text))
			if err != nil {
				return nil, err
			}
			pages = append(pages, below...)
		}
	}
	return pages, nil
}

var title = regexp.MustCompile(`^([A-Z][A-Za-z ]+):$`)

// cut splits a help text at its titles ("Flags:").
func cut(help string) []section {
	sections := []section{{}}
	for scan := bufio.NewScanner(strings.NewReader(help)); scan.Scan(); {
		line := scan.Text()
		if strings.HasPrefix(line, `Use "`) {
			continue // "… for more information about a command": the pages say it
		}
		if m := title.FindStringSubmatch(line); m != nil {
			sections = append(sections, section{title: m[1]})
			continue
		}
		last := &sections[len(sections)-1]
		last.lines = append(last.lines, line)
	}
	return sections
}

// roff returns the page in man(7).
func (p *page) roff() string {
	var b strings.Builder
	name := strings.Join(p.path, "-")
	fmt.Fprintf(&b, ".TH %s %s \"\" Seawall \"%s\"\n.nh\n.ad l\n.SH NAME\n%s \\- %s\n",
		strings.ToUpper(escape(name)), p.section, manual(p.section), escape(name), escape(p.short))
	part := func(heading string, lines []string) {
		fmt.Fprintf(&b, ".SH %s\n.nf\n%s.fi\n", strings.ToUpper(heading), body(lines))
	}
	usage := func(s section) bool { return s.title == "Usage" }
	if i := slices.IndexFunc(p.sections, usage); i >= 0 {
		part("SYNOPSIS", p.sections[i].lines)
	}
	part("DESCRIPTION", p.sections[0].lines)
	for _, s := range p.sections[1:] {
		if !usage(s) {
			part(s.title, s.lines)
		}
	}
	if len(p.path) > 1 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (%s)\n", escape(p.path[0]), p.section)
	}
	b.WriteString(p.prose)
	return b.String()
}

func body(lines []string) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.Trim(strings.Join(lines, "\n"), "\n"), "\n") {
		line = escape(line)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
}
