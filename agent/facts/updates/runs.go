package updates

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"seawall/pkg/text"
)

const (
	stampDir = "/var/lib/apt/periodic/"
	uuLog    = "/var/log/unattended-upgrades/unattended-upgrades.log"
	dnfLog   = "/var/log/dnf.log"
	dnf5Log  = "/var/log/dnf5.log"
	timerDir = "/var/lib/systemd/timers/"

	maxTail = 1 << 20 // bytes of a log, from its end
)

// run is one run that a log tells of.
type run struct {
	at      time.Time
	done    bool   // it came to its end
	failure string // the first error, "" where there was none
	line    string
}

// history is what is on record of runs.
type history struct {
	success time.Time // the last one
	file    string    // where that stands
	line    string
	failed  run       // the last one, where it failed
	since   time.Time // the record reaches back to this day, zero where that is not known
	started time.Time // the last start of which the outcome is not known
}

func (h *history) succeeded(at time.Time, file, line string) {
	if at.After(h.success) {
		h.success, h.file, h.line = at, file, line
	}
}

// debRuns looks for the last successful run of unattended-upgrade.
func (r *reader) debRuns() {
	var h history
	stamp := stampDir + "upgrade-stamp"
	switch fi, err := r.root.Stat(stamp); {
	case err == nil && r.past(fi.ModTime()):
		h.succeeded(fi.ModTime(), stamp, "touched "+moment(fi.ModTime()))
	case errors.Is(err, fs.ErrNotExist):
		h.since = time.Unix(0, 0) // there never was one
	}
	if b, err := r.tail(uuLog); err == nil {
		h.add(unattended(b, r.zone()), uuLog)
	}
	r.decideRuns(&h)
}

// dnfRuns looks for the last successful run of dnf-automatic or dnf5 automatic.
func (r *reader) dnfRuns() {
	var h history
	for _, t := range r.f.Timers {
		if t.Action != ActionInstall {
			continue
		}
		service := strings.TrimSuffix(t.Unit, ".timer") + ".service"
		if s, ok := r.states[service]; ok && !s.exited.IsZero() && r.past(s.exited) {
			words := fmt.Sprintf("%s ended %s: %s, status %d", service, moment(s.exited), text.Clean(s.result, maxWord), s.status)
			if s.result == "success" && s.status == 0 {
				h.succeeded(s.exited, "", words)
			} else {
				h.failed = run{at: s.exited, failure: words}
			}
		}
		if fi, err := r.root.Stat(timerDir + "stamp-" + t.Unit); err == nil && r.past(fi.ModTime()) && fi.ModTime().After(h.started) {
			h.started = fi.ModTime()
		}
	}
	for _, name := range []string{dnfLog, dnf5Log} {
		for _, file := range []string{name + ".1", name} {
			b, err := r.tail(file)
			if err != nil {
				continue
			}
			runs, since := automatic(b)
			h.add(runs, file)
			if h.since.IsZero() || !since.IsZero() && since.Before(h.since) {
				h.since = since
			}
		}
	}
	r.decideRuns(&h)
}

// add takes in the runs of a log, in its order.
func (h *history) add(runs []run, file string) {
	for _, run := range runs {
		switch {
		case run.failure != "":
			if run.at.After(h.failed.at) {
				h.failed = run
				h.failed.line = file
			}
		case run.done:
			h.succeeded(run.at, file, run.line)
		}
	}
}

// decideRuns answers from what is on record.
func (r *reader) decideRuns(h *history) {
	p := &r.f.LastRun
	if h.failed.at.After(h.success) {
		r.f.Failure = text.Clean(h.failed.failure, text.Limit)
		p.see(h.failed.line, 0, moment(h.failed.at)+": "+h.failed.failure)
	}
	limit := r.now.AddDate(0, 0, -RunDays)
	switch {
	case !h.success.IsZero():
		r.f.Success = h.success.UTC().Format(time.RFC3339)
		p.see(h.file, 0, h.line)
		yes := h.success.After(limit)
		words := "the last successful run was on " + h.success.UTC().Format(time.DateOnly)
		if r.f.Failure != "" {
			words += ", a later one failed: " + r.f.Failure
		}
		p.answer(true, yes, "%s", words)
	case r.f.Failure != "":
		p.answer(true, false, "the last run failed: %s", r.f.Failure)
	case r.young():
		p.answer(false, false, "the host is new: no run was due yet")
	case !h.started.IsZero():
		p.answer(false, false, "only that a run was started on %s is on record", h.started.UTC().Format(time.DateOnly))
	case !h.since.IsZero() && h.since.Before(limit):
		p.answer(true, false, "no successful run is on record")
	default:
		p.answer(false, false, "no run is on record")
	}
}

// past says whether a time is not in the future, by more than clocks differ.
func (r *reader) past(t time.Time) bool { return t.Before(r.now.Add(24 * time.Hour)) }

// young says whether the host was made so lately that nothing was due yet.
// systemd writes the machine's id on the first boot.
func (r *reader) young() bool {
	fi, err := r.root.Stat("/etc/machine-id")
	return err == nil && fi.Size() > 0 && r.now.Sub(fi.ModTime()) < youngAge
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// tail reads the end of a log, from the first whole line on.
func (r *reader) tail(name string) ([]byte, error) {
	r.f.Meta.Depend(path.Clean(name))
	f, fi, err := r.root.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	from := max(0, fi.Size()-maxTail)
	b, err := io.ReadAll(io.NewSectionReader(f, from, maxTail))
	if err != nil {
		return nil, err
	}
	if from > 0 {
		_, after, _ := strings.Cut(string(b), "\n")
		return []byte(after), nil
	}
	return b, nil
}

// zone is the host's local time, in which unattended-upgrade writes its log.
func (r *reader) zone() *time.Location {
	b, err := r.root.ReadFile("/etc/localtime", 64<<10)
	if err != nil {
		return time.UTC
	}
	zone, err := time.LoadLocationFromTZData("host", b)
	if err != nil {
		return time.UTC
	}
	return zone
}

// unattended reads unattended-upgrades.log: "2026-11-20 06:12:33,123 INFO text". A
// run that only downloads comes to no end. In another language than English the
// log tells of failures alone.
func unattended(b []byte, zone *time.Location) []run {
	const layout = "2006-01-02 15:04:05"
	var runs []run
	var now *run
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
		if now == nil || words == "Starting unattended upgrades script" || at.Sub(now.at) > time.Hour {
			runs = append(runs, run{at: at})
			now = &runs[len(runs)-1]
		}
		switch {
		case level == "ERROR" || level == "CRITICAL":
			if now.failure == "" {
				now.failure = words
			}
		case strings.HasPrefix(words, "All upgrades installed"), strings.HasPrefix(words, "No packages found that can be upgraded unattended"):
			now.done, now.at, now.line = true, at, line
		}
	}
	return runs
}

// automatic reads dnf's log, of dnf 4 ("2026-11-20T06:12:33+0000 DEBUG text") or
// of dnf 5, which has "[pid]" before the level. since is the time of its first line.
func automatic(b []byte) (runs []run, since time.Time) {
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
			runs = append(runs, run{at: at, done: true, line: line})
			open[pid] = len(runs) - 1
		case strings.HasPrefix(words, "--- logging initialized ---"), strings.HasPrefix(words, "--- DNF5 launched"):
			delete(open, pid)
		case running && (level == "ERROR" || level == "CRITICAL") && runs[i].failure == "":
			runs[i].failure, runs[i].done = words, false
		}
	}
	return runs, since
}

func logTime(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
