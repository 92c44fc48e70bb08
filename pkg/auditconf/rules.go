package auditconf

import (
	"cmp"
	"slices"
	"strings"
)

// Command is one line of a rules file.
type Command struct {
	Text string
	Line int
}

// Rules is what a rules file tells auditctl.
type Rules struct {
	Rules []Command // -a, -A and -w, behind the last -D
	// The last of each kind of setting; Line is 0 where there is none, and Text
	// is its value.
	Enabled, Backlog, Failure Command
	Other                     []Command // -D, --backlog_wait_time and the rest
}

// ParseRules reads a rules file as auditctl -R does.
func ParseRules(file string) Rules {
	var r Rules
	n := 0
	for raw := range strings.SplitSeq(file, "\n") {
		n++
		line := strings.TrimSpace(raw)
		if line == "" || line[0] == '#' {
			continue
		}
		option, value, _ := strings.Cut(line, " ")
		value = strings.TrimSpace(value)
		// auditctl takes "-b8192" too, as getopt does.
		if len(option) > 2 && option[0] == '-' && option[1] != '-' {
			option, value = option[:2], strings.TrimSpace(option[2:]+" "+value)
		}
		switch option {
		case "-D":
			if value == "" {
				r.Rules = nil // what stood before is deleted again
			}
			r.Other = append(r.Other, Command{line, n})
		case "-a", "-A", "-w":
			r.Rules = append(r.Rules, Command{line, n})
		case "-e":
			r.Enabled = Command{value, n}
		case "-b":
			r.Backlog = Command{value, n}
		case "-f":
			r.Failure = Command{value, n}
		default:
			r.Other = append(r.Other, Command{line, n})
		}
	}
	return r
}

// Source is one file of rules.d.
type Source struct{ Name, Text string }

// Generate returns the lines that augenrules would write, without comments: the
// last -D, -b and -f first and the last -e at the end. Files are taken in the
// order of "ls -v"; those whose names do not end in ".rules" are left out.
func Generate(sources []Source) []string {
	sources = slices.DeleteFunc(slices.Clone(sources), func(s Source) bool { return !strings.HasSuffix(s.Name, ".rules") })
	slices.SortFunc(sources, func(a, b Source) int { return versions(a.Name, b.Name) })
	var first [3]string // -D, -b, -f
	var rules []string
	last := ""
	for _, s := range sources {
		for line := range strings.SplitSeq(s.Text, "\n") {
			t := strings.TrimLeft(line, " \t")
			switch {
			case t == "", t[0] == '#':
			case strings.HasPrefix(t, "-e"):
				last = line
			case strings.TrimRight(t, " \t") == "-D":
				first[0] = line
			case strings.HasPrefix(t, "-f"):
				first[2] = line
			case strings.HasPrefix(t, "-b"):
				first[1] = line
			default:
				rules = append(rules, line)
			}
		}
	}
	return Lines(strings.Join(append(append(first[:], rules...), last), "\n"))
}

// Lines returns the lines of a rules file that are not empty and no comments.
func Lines(file string) []string {
	var out []string
	for line := range strings.SplitSeq(file, "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// versions compares names as "ls -v" does: runs of digits by their number.
func versions(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			x, y := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
