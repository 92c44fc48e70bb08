package renewal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/runlog"
	"seawall/pkg/text"
	"seawall/pkg/unitbus"
	"seawall/pkg/unitfile"
)

// timers are those that the clients' packages bring.
func timers(client string) []string {
	switch client {
	case certbot:
		return []string{"certbot.timer", "certbot-renew.timer", "snap.certbot.renew.timer"}
	case acmeSh:
		return []string{"acme.sh.timer", "acme_letsencrypt.timer"}
	case dehydrated:
		return []string{"dehydrated.timer"}
	}
	return []string{"lego.timer", "lego-renew.timer"}
}

// job is what a cron job of a client names.
func job(client, line string) bool {
	switch client {
	case certbot:
		return strings.Contains(line, "certbot") && strings.Contains(line, "renew")
	case acmeSh:
		return strings.Contains(line, "acme.sh") && strings.Contains(line, "--cron")
	case dehydrated:
		return strings.Contains(line, "dehydrated") && (strings.Contains(line, " -c") || strings.Contains(line, "--cron"))
	}
	return strings.Contains(line, "lego") && strings.Contains(line, "renew")
}

// runs finds what runs each client, and how that ended.
func (r *reader) runs(ctx context.Context) {
	var units []string
	for _, c := range r.out.Clients {
		for _, t := range timers(c.Name) {
			units = append(units, t, strings.TrimSuffix(t, ".timer")+".service")
		}
	}
	var states map[string]unitbus.State
	if r.live {
		states, _ = unitbus.Ask(ctx, units) // where nobody answers the files decide
	}
	r.depend("/etc/systemd/system/")
	for i := range r.out.Clients {
		c := &r.out.Clients[i]
		unit := r.timer(c, states)
		if !c.Active.Yes {
			r.cron(c)
		}
		if c.Active == (fact.Tri{}) {
			c.Active = fact.Tri{Known: true, Reason: "neither a timer nor a cron job runs " + c.Name}
		}
		r.lastRun(c, states[strings.TrimSuffix(unit, ".timer")+".service"])
	}
}

// timer looks for a client's timer, and returns its name.
func (r *reader) timer(c *Client, states map[string]unitbus.State) string {
	for _, name := range timers(c.Name) {
		u, err := unitfile.Load(r.root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		c.Start = "systemctl enable --now " + name
		switch {
		case err != nil:
			c.Active = fact.Tri{Reason: text.Clean(err.Error(), maxWord)}
		case u.Masked:
			c.Active = fact.Tri{Known: true, Reason: name + " is masked"}
			c.File, c.Start = u.Fragment, "systemctl unmask "+name+" && "+c.Start
		case u.Start == "":
			c.Active = fact.Tri{Known: true, Reason: name + " is not enabled"}
			c.File = u.Fragment
		default:
			c.Active, c.File = fact.Tri{Known: true, Yes: true, Reason: name}, u.Start
			if s, ok := states[name]; ok && s.Active != "active" {
				c.Active = fact.Tri{Known: true, Reason: name + " is enabled, and stopped"}
			}
		}
		if c.Active.Yes {
			return name
		}
	}
	return ""
}

// cron looks for a cron job of a client.
func (r *reader) cron(c *Client) {
	files := []string{"/etc/crontab", "/var/spool/cron/crontabs/root", "/var/spool/cron/root"}
	for _, dir := range []string{"/etc/cron.d", "/etc/cron.daily", "/etc/cron.weekly"} {
		r.depend(dir + "/")
		for _, n := range r.entries(dir) {
			files = append(files, path.Join(dir, n))
		}
	}
	r.depend(files[:3]...)
	systemd := r.root.Exists("/run/systemd/system") || !r.live && r.root.Exists("/lib/systemd/systemd")
	for _, file := range files {
		data, err := r.root.ReadFile(file, maxBytes)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil && !c.Active.Known:
			c.Active = fact.Tri{Reason: text.Clean(err.Error(), maxWord)}
			continue
		}
		number := 0
		for line := range strings.Lines(string(data)) {
			number++
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "#") || !job(c.Name, line) || systemd && strings.Contains(line, `-d /run/systemd/system`) {
				continue
			}
			c.Active = fact.Tri{Known: true, Yes: true, Reason: file}
			c.File, c.Line, c.Raw = file, number, text.Clean(line, maxWord)
			return
		}
	}
}

// lastRun says how the last run ended: by certbot's log or by what systemd remembers.
func (r *reader) lastRun(c *Client, s unitbus.State) {
	if c.Name == certbot {
		c.Log = "/var/log/letsencrypt/letsencrypt.log"
		r.depend(c.Log)
		if data, err := runlog.Tail(r.root, c.Log); err == nil {
			if c.LastRun = certbotRun(string(data)); c.LastRun.Known {
				r.outdated(c)
				return
			}
		}
	}
	switch {
	case s.Exited.IsZero():
		c.LastRun.Reason = "no run is on record"
	case s.Result == "success" && r.now.Sub(s.Exited) < RunDays*24*time.Hour:
		c.LastRun = fact.Tri{Known: true, Yes: true, Reason: "systemd saw it end well"}
	case s.Result != "success":
		c.LastRun = fact.Tri{Known: true, Reason: fmt.Sprintf("the last run failed: %s, exit status %d", text.Clean(s.Result, maxWord), s.Status)}
	}
}

// outdated takes a success back that is too old.
func (r *reader) outdated(c *Client) {
	fi, err := r.root.Stat(c.Log)
	if err == nil && c.LastRun.Yes && r.now.Sub(fi.ModTime()) > RunDays*24*time.Hour {
		c.LastRun = fact.Tri{Known: true, Reason: fmt.Sprintf("no run in the last %d days", RunDays)}
	}
}

// certbotRun reads certbot's log, of one run or, as Debian sets it up, of a week's.
// The last one that says anything of renewals counts.
func certbotRun(log string) fact.Tri {
	end := len(log)
	for {
		begin := max(0, strings.LastIndex(log[:end], ":certbot version: "))
		if ended := runEnd(log[begin:end]); ended.Known || begin == 0 {
			return ended
		}
		end = begin
	}
}

// runEnd reads the log of one run.
func runEnd(log string) fact.Tri {
	lines := strings.Split(log, "\n")
	at := func(words ...string) int {
		return slices.IndexFunc(lines, func(l string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(l, w) })
		})
	}
	if i := at("renew failure(s)", ":ERROR:"); i >= 0 {
		_, said, _ := strings.Cut(lines[i], ":ERROR:")
		if _, rest, ok := strings.Cut(said, ":"); ok {
			said = rest
		}
		return fact.Tri{Known: true, Reason: "the last run failed: " + text.Clean(said, maxWord)}
	}
	if at("no renewal failures", "Certificate not yet due for renewal", "The following certificates are not due for renewal yet", "Congratulations, all renewals succeeded",
		"Successfully received certificate", "Congratulations! Your certificate") >= 0 {
		return fact.Tri{Known: true, Yes: true, Reason: "the last run succeeded"}
	}
	return fact.Tri{}
}
