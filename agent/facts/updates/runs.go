package updates

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"seawall/pkg/runlog"
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

// history is what is on record of runs.
type history struct {
	success time.Time // the last one
	file    string    // where that stands
	line    string
	failed  runlog.Run // the last one, where it failed
	since   time.Time  // the record reaches back to this day, zero where that is not known
	started time.Time  // the last start of which the outcome is not known
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
		h.add(runlog.Unattended(b, r.zone()), uuLog)
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
		if s, ok := r.states[service]; ok && !s.Exited.IsZero() && r.past(s.Exited) {
			words := fmt.Sprintf("%s ended %s: %s, status %d", service, moment(s.Exited), text.Clean(s.Result, maxWord), s.Status)
			if s.Result == "success" && s.Status == 0 {
				h.succeeded(s.Exited, "", words)
			} else {
				h.failed = runlog.Run{At: s.Exited, Failure: words}
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
			runs, since := runlog.DNF(b)
			h.add(runs, file)
			if h.since.IsZero() || !since.IsZero() && since.Before(h.since) {
				h.since = since
			}
		}
	}
	r.decideRuns(&h)
}

// add takes in the runs of a log, in its order.
func (h *history) add(runs []runlog.Run, file string) {
	for _, run := range runs {
		switch {
		case run.Failure != "":
			if run.At.After(h.failed.At) {
				h.failed = run
				h.failed.Line = file
			}
		case run.Done:
			h.succeeded(run.At, file, run.Line)
		}
	}
}

// decideRuns answers from what is on record.
func (r *reader) decideRuns(h *history) {
	p := &r.f.LastRun
	if h.failed.At.After(h.success) {
		r.f.Failure = text.Clean(h.failed.Failure, text.Limit)
		p.see(h.failed.Line, 0, moment(h.failed.At)+": "+h.failed.Failure)
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
