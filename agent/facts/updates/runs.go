package updates

import (
	"errors"
	"fmt"
	"io/fs"
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
)

// debRuns looks for the last successful run of unattended-upgrade.
func (r *reader) debRuns() {
	var h runlog.History
	stamp := stampDir + "upgrade-stamp"
	switch fi, err := r.root.Stat(stamp); {
	case err == nil && r.past(fi.ModTime()):
		h.Succeeded(fi.ModTime(), stamp, "touched "+moment(fi.ModTime()))
	case errors.Is(err, fs.ErrNotExist):
		h.Since = time.Unix(0, 0) // there never was one
	}
	if b, err := r.tail(uuLog); err == nil {
		h.Add(runlog.Unattended(b, runlog.Zone(r.root)), uuLog)
	}
	r.decideRuns(&h)
}

// dnfRuns looks for the last successful run of dnf-automatic or dnf5 automatic.
func (r *reader) dnfRuns() {
	var h runlog.History
	for _, t := range r.f.Timers {
		if t.Action == ActionInstall {
			r.timerRuns(&h, t.Unit)
		}
	}
	for _, name := range []string{dnfLog, dnf5Log} {
		for _, file := range []string{name + ".1", name} {
			b, err := r.tail(file)
			if err != nil {
				continue
			}
			runs, since := runlog.DNF(b)
			h.Add(runs, file)
			if h.Since.IsZero() || !since.IsZero() && since.Before(h.Since) {
				h.Since = since
			}
		}
	}
	r.decideRuns(&h)
}

// timerRuns adds what systemd knows of a timer's last run.
func (r *reader) timerRuns(h *runlog.History, timer string) {
	service := strings.TrimSuffix(timer, ".timer") + ".service"
	if s, ok := r.states[service]; ok && !s.Exited.IsZero() && r.past(s.Exited) {
		words := fmt.Sprintf("%s ended %s: %s, status %d", service, moment(s.Exited), text.Clean(s.Result, maxWord), s.Status)
		if s.Result == "success" && s.Status == 0 {
			h.Succeeded(s.Exited, "", words)
		} else {
			h.Failed = runlog.Run{At: s.Exited, Failure: words}
		}
	}
	if fi, err := r.root.Stat(timerDir + "stamp-" + timer); err == nil && r.past(fi.ModTime()) && fi.ModTime().After(h.Started) {
		h.Started = fi.ModTime()
	}
}

// decideRuns answers from what is on record.
func (r *reader) decideRuns(h *runlog.History) {
	p := &r.f.LastRun
	if h.Failed.At.After(h.Success) {
		r.f.Failure = text.Clean(h.Failed.Failure, text.Limit)
		p.see(h.Failed.Line, 0, moment(h.Failed.At)+": "+h.Failed.Failure)
	}
	limit := r.now.AddDate(0, 0, -RunDays)
	switch {
	case !h.Success.IsZero():
		r.f.Success = h.Success.UTC().Format(time.RFC3339)
		p.see(h.File, 0, h.Line)
		yes := h.Success.After(limit)
		words := "the last successful run was on " + h.Success.UTC().Format(time.DateOnly)
		if r.f.Failure != "" {
			words += ", a later one failed: " + r.f.Failure
		}
		p.answer(true, yes, "%s", words)
	case r.f.Failure != "":
		p.answer(true, false, "the last run failed: %s", r.f.Failure)
	case r.young():
		p.answer(false, false, "the host is new: no run was due yet")
	case !h.Started.IsZero():
		p.answer(false, false, "only that a run was started on %s is on record", h.Started.UTC().Format(time.DateOnly))
	case !h.Since.IsZero() && h.Since.Before(limit):
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

// tail reads the end of a log.
func (r *reader) tail(name string) ([]byte, error) {
	r.f.Meta.Depend(name)
	return runlog.Tail(r.root, name)
}
