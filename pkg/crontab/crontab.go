// Package crontab reads crontab(5) files: the system's, whose lines name the user,
// users' own, and anacrontab(5). It also tells, as far as that can be told without a
// shell, which programs a command line runs.
//
// A line is what cron would take; one that it would refuse is reported and left out,
// while cron itself may then refuse the whole file. Ranges and names of months are
// looked at as words only.
package crontab

import (
	"bytes"
	"fmt"
	"strings"
)

// Format is which of the kinds of files is read.
type Format int

// The formats.
const (
	System  Format = iota // with a user: /etc/crontab, /etc/cron.d
	User                  // without
	Anacron               // period, delay, name
)

// Job is one line that runs a command.
type Job struct {
	Line    int
	When    string
	User    string // of System
	Command string
}

// Problem is a line that cron refuses.
type Problem struct {
	Line   int
	Reason string
	Text   string
}

// Table is what a file says.
type Table struct {
	Jobs     []Job
	Problems []Problem
	Path     string // the last PATH=, "" where there is none
	More     bool   // there are more lines, or longer ones, than are read
}

const (
	maxJobs  = 2000
	maxText  = 4 << 10
	maxWords = 500
)

// Parse reads a file's text.
func Parse(text []byte, format Format) Table {
	var t Table
	number := 0
	for l := range bytes.Lines(text) {
		number++
		line := strings.TrimSpace(string(l[:min(len(l), maxText)]))
		if line == "" || line[0] == '#' {
			t.More = t.More || line == "" && len(l) > maxText
			continue
		}
		t.More = t.More || len(l) > maxText
		if len(t.Jobs) == maxJobs || len(t.Problems) == maxJobs {
			t.More = true
			return t
		}
		if name, value, ok := assignment(line); ok {
			if name == "PATH" {
				t.Path = value
			}
			continue
		}
		job, reason := parseJob(line, format)
		if reason != "" {
			t.Problems = append(t.Problems, Problem{number, reason, line})
			continue
		}
		job.Line = number
		t.Jobs = append(t.Jobs, job)
	}
	return t
}

// assignment reads "NAME = value", with or without quotes.
func assignment(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, "=")
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	if !ok || name == "" || strings.ContainsAny(name, " \t") || strings.ContainsAny(name[:1], "0123456789*@-") {
		return "", "", false
	}
	value = strings.TrimSpace(value)
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	return name, value, true
}

// parseJob reads the times, the user and the command.
func parseJob(line string, format Format) (Job, string) {
	fields := 5
	switch {
	case format == Anacron:
		fields = 3
	case line[0] == '@':
		fields = 1
	}
	if line[0] == '-' && format != Anacron {
		line = line[1:] // cronie: not logged
	}
	var words []string
	rest := line
	want := fields
	if format == System {
		want++
	}
	for len(words) < want {
		rest = strings.TrimLeft(rest, " \t")
		i := strings.IndexAny(rest, " \t")
		if i < 0 {
			return Job{}, "it has fewer fields than a job"
		}
		words, rest = append(words, rest[:i]), rest[i:]
	}
	job := Job{When: strings.Join(words[:fields], " "), Command: strings.TrimSpace(rest)}
	if format == System {
		job.User = words[fields]
	}
	if job.Command == "" {
		return Job{}, "it has no command"
	}
	if reason := badTimes(words[:fields], format); reason != "" {
		return Job{}, reason
	}
	// A "%" that is not escaped ends the command: what follows is its input.
	if format != Anacron {
		job.Command = beforePercent(job.Command)
	}
	return job, ""
}

func badTimes(words []string, format Format) string {
	if format == Anacron {
		return ""
	}
	if strings.HasPrefix(words[0], "@") {
		switch words[0] {
		case "@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly":
			return ""
		}
		return fmt.Sprintf("%q is no time", words[0])
	}
	for _, w := range words {
		if !isTimes(w) {
			return fmt.Sprintf("%q is no time", w)
		}
	}
	return ""
}

// isTimes reports whether a field looks like times: a list of *, numbers, names,
// ranges (cronie's random ones with "~" too) and steps.
func isTimes(field string) bool {
	for part := range strings.SplitSeq(field, ",") {
		times, step, steps := strings.Cut(part, "/")
		if steps && !digits(step, 4) {
			return false
		}
		from, to, ranged := strings.Cut(strings.Replace(times, "~", "-", 1), "-")
		switch {
		case times == "*" || times == "~":
		case !digits(from, 2) && !name(from):
			return false
		case ranged && !digits(to, 2) && !name(to):
			return false
		}
	}
	return true
}

func digits(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// name is that of a month or a day of the week.
func name(s string) bool {
	return len(s) == 3 && strings.Contains("jan feb mar apr may jun jul aug sep oct nov dec sun mon tue wed thu fri sat ", strings.ToLower(s)+" ")
}

func beforePercent(command string) string {
	for i := 0; i < len(command); i++ {
		switch command[i] {
		case '\\':
			i++
		case '%':
			return strings.TrimSpace(command[:i])
		}
	}
	return command
}
