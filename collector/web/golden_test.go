package web_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

var update = flag.Bool("update", false, "write the golden files")

// smallFleet has one of everything that a page can show.
func smallFleet() *demo {
	d := newDemo(demoNow)
	d.addHost(finding.Host{Name: "web-1", OS: "Debian GNU/Linux 12 (bookworm)", OSID: "debian", OSVersion: "12", MachineID: "5f0c7a3e9b1d", Kernel: "6.1.0-32-amd64", Arch: "x86_64", BootTime: demoNow.Add(-93_784 * 1e9), UptimeSeconds: 93_784, CPUs: 1, MemoryTotal: 1 << 30, MemoryFree: 600 << 20, DropletID: "481516234", Region: "fra1", Tags: []string{"prod"}, AgentVersion: "0.3.1"}, fleet.Online, 7e9)
	checks, _, _ := demoInfo()
	for _, c := range checks {
		if c.ID == "ssh-permit-root-login" || c.ID == "patch-security-updates" {
			d.checks[c.ID] = c
		}
	}
	at := demoNow.Add(-3 * 60 * 1e9)
	d.apply(0, finding.Result{Check: "ssh-permit-root-login", Status: finding.StatusPass, Severity: 5, Actual: "no", Expected: "no"}, at.Add(-1e12))
	d.apply(0, finding.Result{
		Check: "ssh-permit-root-login", Status: finding.StatusFail, Severity: 5, Actual: "yes", Expected: "no", Cause: demoCause(0, at),
		Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config.d/50-cloud-init.conf", Line: 2, Text: "PermitRootLogin yes"}},
	}, at)
	for n, name := range []string{"openssl", "libssl3", "sudo"} {
		r := finding.Result{Check: "patch-security-updates", Resource: name + ":amd64", Group: "openssl", Status: finding.StatusFail, Severity: 4, Actual: "3.0.11-1", Expected: "3.0.15-1", Since: demoNow.AddDate(0, 0, n-12), Evidence: []finding.Evidence{{Text: "3.0.15-1 in Debian-Security, source openssl"}, {Text: "DSA-5764-1"}}}
		if name == "sudo" {
			r.Group, r.Evidence[1] = "", finding.Evidence{File: "/var/lib/dpkg/status", Text: "held: dpkg's selections say hold"}
		}
		d.apply(0, r, at)
	}
	d.apply(0, finding.Result{Check: "audit-enabled", Status: finding.StatusUnknown, Severity: 4, Actual: "no permission", Expected: "1"}, at)
	d.detect(0, demoDetection(1, demoNow))
	d.admit()
	d.quarantine(d.hosts[0].Member)
	d.events[0].Resync, d.events[1].Moved = true, true
	return d
}

var changing = regexp.MustCompile(`(name="form" value=")[^"]+|(/static/)[0-9a-f]{16}`)

func TestGolden(t *testing.T) {
	d := smallFleet()
	full := open(t, newServer(t, config(d)))
	empty := open(t, newServer(t, config(newDemo(demoNow))))
	login := full.get("/login").body
	full.login()
	empty.login()
	id := string(d.hosts[0].ID)
	for name, body := range map[string]string{
		"login.html": login, "overview.html": full.get("/").body, "hosts.html": full.get("/hosts").body, "host.html": full.get("/hosts/" + id).body,
		"checks.html": full.get("/checks").body, "check.html": full.get("/checks/ssh-permit-root-login").body,
		"detections.html": full.get("/detections?severity=high").body, "detection.html": full.get("/hosts/" + id + "/detections/" + d.storms[0].Detection.ID).body,
		"detection.json": indent(t, full.get("/api/v1/hosts/"+id+"/detections/"+d.storms[0].Detection.ID).body), "detections.json": indent(t, full.get("/api/v1/detections?limit=1").body),
		"join.html": full.get("/hosts/new").body, "joined.html": full.add(url.Values{"family": {"debian"}, "collector": {"c.example.net:1"}}).body,
		"error.html": full.get("/nothing").body, "empty.html": empty.get("/").body, "fragment.html": full.get("/?fragment=live").body,
		"overview.json": indent(t, full.get("/api/v1/overview").body), "host.json": indent(t, full.get("/api/v1/hosts/"+id).body),
		"check.json": indent(t, full.get("/api/v1/checks/ssh-permit-root-login").body), "requests.json": indent(t, full.get("/api/v1/requests").body),
		"timeline.json": indent(t, full.get("/api/v1/timeline?limit=2").body),
	} {
		path := filepath.Join("testdata", name)
		got := changing.ReplaceAllString(body, "$1$2…")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func indent(t *testing.T, body string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestAPI(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	var page struct {
		Events []fleet.Event `json:"events"`
		Next   int64         `json:"next"`
	}
	seen := 0
	for next := "?limit=30"; ; {
		page.Events = nil
		if err := json.Unmarshal([]byte(b.get("/api/v1/timeline"+next).body), &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			seen++
			if want := int64(len(d.events) - seen + 1); e.ID != want {
				t.Fatalf("event %d in place of %d", e.ID, want)
			}
		}
		if page.Next == 0 {
			break
		}
		next = "?limit=30&before=" + jsonNumber(page.Next)
	}
	if seen != len(d.events) {
		t.Errorf("paging gave %d of %d events", seen, len(d.events))
	}
	for _, path := range []string{"/api/v1/hosts/zz", "/api/v1/hosts/" + strings.Repeat("0", 32), "/api/v1/checks/none", "/api/v1/none"} {
		if a := b.get(path); a.code != http.StatusNotFound || !json.Valid([]byte(a.body)) {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	empty := open(t, newServer(t, config(newDemo(demoNow))))
	empty.login()
	for _, path := range []string{"/api/v1/hosts", "/api/v1/requests", "/api/v1/checks", "/api/v1/timeline", "/api/v1/overview", "/api/v1/detections"} {
		if a := empty.get(path); strings.Contains(a.body, "null") {
			t.Errorf("%s of an empty fleet has null: %s", path, a.body)
		}
	}
}

func jsonNumber(n int64) string {
	b, _ := json.Marshal(n) // an integer always encodes
	return string(b)
}
