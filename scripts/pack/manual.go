package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

var foreign = regexp.MustCompile(`[^\t -~]`)

// roff returns text that no roff takes for anything else, in whatever character set it reads.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	text = foreign.ReplaceAllStringFunc(text, func(s string) string { return fmt.Sprintf(`\[u%04X]`, []rune(s)[0]) })
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func top(name, short string) string {
	return fmt.Sprintf(".TH %s 5 \"\" Seawall \"File Formats\"\n.nh\n.ad l\n.SH NAME\n%s \\- %s\n", strings.ToUpper(roff(name)), roff(name), roff(short))
}

var setting = regexp.MustCompile(`^#?([a-z_]+: .*)$`)

// settings writes the page of a configuration file: what prose says, then each setting
// of the file that packages bring, with its default and the comment above it.
func settings(out io.Writer, name, short, file, prose, text string) error {
	var b strings.Builder
	b.WriteString(top(name, short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.I %s\n%s.SH SETTINGS\n", roff(file), prose)
	var comment []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := setting.FindStringSubmatch(line); m != nil {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(m[1]), strings.Join(comment, "\n"))
			comment = nil
		} else if words, ok := strings.CutPrefix(line, "# "); ok {
			comment = append(comment, roff(words))
		} else {
			comment = nil
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

var (
	code   = regexp.MustCompile("`([^`]*)`")
	strong = regexp.MustCompile(`\*\*?([^*]+)\*\*?`)
	link   = regexp.MustCompile(`\[([^\]]*)\]\(([^)]*)\)`)
)

// inline returns running text of Markdown as roff.
func inline(text string) string {
	text = roff(link.ReplaceAllString(text, "$1 ($2)"))
	parts := code.Split(text, -1)
	words := code.FindAllStringSubmatch(text, -1)
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(strong.ReplaceAllString(part, `\fI$1\fP`))
		if i < len(words) {
			b.WriteString(`\fB` + words[i][1] + `\fP`)
		}
	}
	return b.String()
}

// markdown writes a page of a Markdown text, as the documentation has it: headings,
// paragraphs, lists, tables of two and more columns, blocks of code.
func markdown(out io.Writer, name, short, text string) error {
	var b strings.Builder
	b.WriteString(top(name, short) + ".SH DESCRIPTION\n")
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			if fenced = !fenced; fenced {
				b.WriteString(".PP\n.RS\n.nf\n")
			} else {
				b.WriteString(".fi\n.RE\n.PP\n")
			}
		case fenced && line == "":
			b.WriteString("\\&\n")
		case fenced:
			b.WriteString(roff(line) + "\n")
		case strings.HasPrefix(line, "# "): // the name says it
		case strings.HasPrefix(line, "## "):
			b.WriteString(".SH " + strings.ToUpper(roff(line[3:])) + "\n")
		case strings.HasPrefix(line, "### "):
			b.WriteString(".SS " + roff(line[4:]) + "\n")
		case strings.HasPrefix(line, "|"):
			b.WriteString(row(line))
		case strings.HasPrefix(line, "- "):
			b.WriteString(".IP \\(bu 2\n" + inline(line[2:]) + "\n")
		case line == "":
			b.WriteString(".PP\n")
		default:
			b.WriteString(inline(strings.TrimSpace(line)) + "\n")
		}
	}
	page := regexp.MustCompile(`(\.PP\n)+`).ReplaceAllString(b.String(), ".PP\n")
	page = regexp.MustCompile(`(\.S[HS] [^\n]*\n)\.PP\n`).ReplaceAllString(page, "$1")
	page = regexp.MustCompile(`\.PP\n(\.S[HS] |\.IP |\.TP\n|\.PP\n)`).ReplaceAllString(page, "$1")
	_, err := io.WriteString(out, strings.TrimSuffix(page, ".PP\n"))
	return err
}

// row returns a row of a table: the first column as a term, what follows as its text.
// The row of headings and the rule below it say nothing in this form.
func row(line string) string {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	if strings.HasPrefix(cells[0], "---") || cells[0] == "key" || cells[0] == "what" {
		return ""
	}
	return ".TP\n" + inline(cells[0]) + "\n" + inline(strings.Join(cells[1:], "; ")) + "\n"
}
