// Package runlog reads from logs when automatic updates ran, and how that ended:
// from unattended-upgrades.log, and from dnf.log and dnf5.log for dnf-automatic and
// dnf5 automatic. It judges by levels and, where they are known, by the words of a
// run's end; lines that it does not know are passed over. [History] puts together
// what several logs and other records tell.
package runlog

import (
	"strings"
	"time"
)

// Run is one run that a log tells of.
type Run struct {
	At      time.Time
	Done    bool   // it came to its end
	Failure string // the first error, "" where there was none
	Line    string // of its end, or of its start where no end is logged
}

// Unattended reads unattended-upgrades.log: "2026-11-20 06:12:33,123 INFO text". A
// run that only downloads comes to no end. In another language than English the
// log tells of failures alone.
func Unattended(b []byte, zone *time.Location) []Run {
	const layout = "2006-01-02 15:04:05"
	var runs []Run
	var now *Run
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		if len(line) < len(layout) {
			continue
		}
		at, err := time.ParseInLocation(layout, line[:len(layout)], zone)
		_, rest, ok := strings.Cut(line[len(layout):], " ")
		if err != nil || !ok {
			continue // the text of an error that goes on
		}
		level, words, _ := strings.Cut(rest, " ")
		if now == nil || words == "Starting unattended upgrades script" || at.Sub(now.At) > time.Hour {
			runs = append(runs, Run{At: at})
			now = &runs[len(runs)-1]
		}
		switch {
		case level == "ERROR" || level == "CRITICAL":
			if now.Failure == "" {
				now.Failure = words
			}
		case strings.HasPrefix(words, "All upgrades installed"), strings.HasPrefix(words, "No packages found that can be upgraded unattended"):
			now.Done, now.At, now.Line = true, at, line
		}
	}
	return runs
}

// DNF reads dnf's log, of dnf 4 ("2026-11-20T06:12:33+0000 DEBUG text") or
// of dnf 5, which has "[pid]" before the level. since is the time of its first line.
func DNF(b []byte) (runs []Run, since time.Time) {
	open := map[string]int{} // the run of a process, by its index
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		stamp, rest, ok := strings.Cut(line, " ")
		at, good := logTime(stamp)
		if !ok || !good {
			continue
		}
		if since.IsZero() {
			since = at
		}
		pid := ""
		if strings.HasPrefix(rest, "[") {
			pid, rest, _ = strings.Cut(rest, " ")
		}
		level, words, _ := strings.Cut(rest, " ")
		i, running := open[pid]
		switch {
		case words == "Started dnf-automatic.", strings.HasPrefix(words, "--- DNF5 launched with arguments:") && strings.Contains(words, " automatic"):
			runs = append(runs, Run{At: at, Done: true, Line: line})
			open[pid] = len(runs) - 1
		case strings.HasPrefix(words, "--- logging initialized ---"), strings.HasPrefix(words, "--- DNF5 launched"):
			delete(open, pid)
		case running && (level == "ERROR" || level == "CRITICAL") && runs[i].Failure == "":
			runs[i].Failure, runs[i].Done = words, false
		}
	}
	return runs, since
}

func logTime(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Unix() > 0 {
			return t, true
		}
	}
	return time.Time{}, false
}
