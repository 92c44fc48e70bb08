package checks

import (
	"fmt"

	"seawall/agent/facts"
	"seawall/agent/facts/cloud"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/secrets"
)

// goodSecrets fills in secrets and the cloud.
func goodSecrets(f *facts.Facts, known fact.Meta) {
	f.Secrets = secrets.Facts{Meta: known, Searched: secrets.Searched{Known: true, Files: 40, Homes: []string{"/root"}, WebRoots: []string{"/var/www/html"}},
		Files: []secrets.File{{Kind: "cloud", Path: "/root/.kube/config", Mode: 0o600, Text: "0600 root:root"}},
		Leaks: []secrets.Leak{{Place: secrets.PlaceHome, Kind: "private key of OpenSSH", File: "/root/.ssh/id_ed25519", Line: 1, Mode: 0o600,
			Text: "0600 root:root", Key: true, Encrypted: true}},
		Web: []secrets.WebFile{{Kind: "git", Path: "/var/www/html/.git", Root: "/var/www/html", Denied: true}}}
	file := cloud.File{Path: "/var/lib/cloud/instance/user-data.txt", Mode: 0o600, Text: "0600, owner 0, group 0"}
	log := cloud.File{Path: "/var/log/cloud-init.log", Mode: 0o640, Text: "0640, owner 0, group 4"}
	f.Cloud = cloud.Facts{Meta: known, Provider: "digitalocean",
		Init: cloud.Init{Installed: true, ConfigKnown: true, Result: fact.Tri{Known: true, Yes: true, Reason: "/var/lib/cloud/data/result.json"}, Pinned: true,
			Sources: fact.Text{Value: "DigitalOcean, None", Set: true, File: "/etc/cloud/cloud.cfg", Line: 2}, Files: []cloud.File{file}, Logs: []cloud.File{log}},
		Agents: []cloud.Agent{{Name: "do-agent", Path: "/opt/digitalocean/bin/do-agent", Installed: true},
			{Name: "droplet-agent", Path: "/opt/digitalocean/bin/droplet-agent", Installed: true}},
		Root: cloud.Root{Known: true, Created: "2026-10-01"},
		Stated: cloud.Stated{File: "/etc/seawall/cloud.yaml", Present: true, Backups: fact.Text{Value: "yes", Set: true, File: "/etc/seawall/cloud.yaml", Line: 1},
			Firewall: fact.Text{Value: "web", Set: true, File: "/etc/seawall/cloud.yaml", Line: 2}},
		Image: cloud.Image{Known: true}}
}

// leaked adds a leak to the good host's.
func leaked(place, user string, open, key bool) func(*facts.Facts) {
	return func(f *facts.Facts) {
		l := secrets.Leak{Place: place, Kind: "token of GitHub", File: "/x/file", Line: 3, User: user, Mode: 0o644, Text: "0644 ann:ann", Open: open, Key: key}
		if key {
			l.Kind = "private key"
		}
		f.Secrets.Leaks = append(f.Secrets.Leaks, l)
	}
}

func secretCases() []testCase {
	cut := func(f *facts.Facts) { f.Secrets.Searched.Cut = "too much" }
	noWeb := func(f *facts.Facts) { f.Secrets.Searched.WebRoots = nil }
	open := func(kind string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Secrets.Files = append(f.Secrets.Files, secrets.File{Kind: kind, Path: "/home/ann/.x", Mode: 0o644, Text: "0644 ann:ann", Open: true})
		}
	}
	web := func(kind string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Secrets.Web = append(f.Secrets.Web, secrets.WebFile{Kind: kind, Path: "/var/www/html/x", Root: "/var/www/html"})
		}
	}
	cases := []testCase{
		{"secrets-history", leaked("history", "ann", false, false), "/x/file fail medium: token of GitHub, 0644 ann:ann @/x/file:3"},
		{"secrets-history", all(leaked("history", "ann", true, false), func(f *facts.Facts) { f.Secrets.Leaks[1].More = 2 }), "fail high: token of GitHub and 2 more"},
		{"secrets-history", cut, "unknown: not searched everywhere: too much"},
		{"secrets-history", func(f *facts.Facts) { f.Secrets.Searched.Known = false }, "unknown: not searched"},
		{"secrets-startup", leaked("startup", "", true, false), "fail medium"},
		{"secrets-startup", leaked("startup", "", false, false), "fail low"},
		{"secrets-environment-permissions", leaked("environment", "", true, false), "fail high"},
		{"secrets-environment-permissions", leaked("environment", "", false, false), "pass"},
		{"secrets-unit-settings", leaked("unit", "", true, false), "fail medium"},
		{"secrets-script-permissions", leaked("cron", "", true, false), "fail high"},
		{"secrets-application-permissions", leaked("app", "", true, false), "fail high"},
		{"secrets-application-permissions", leaked("app", "", false, false), "pass"},
		{"secrets-home-permissions", leaked("home", "", true, false), "fail high"},
		{"secrets-home-tokens", leaked("home", "", false, false), "fail low"},
		{"secrets-home-tokens", leaked("home", "", true, false), "pass"}, // the other one says it
		{"secrets-key-permissions", leaked("home", "", true, true), "fail high: private key, 0644"},
		{"secrets-key-permissions", all(leaked("app", "", true, true), func(f *facts.Facts) { f.Secrets.Leaks[1].Encrypted = true }), "fail medium"},
		{"secrets-key-passphrases", leaked("home", "", false, true), "fail low: private key without a passphrase"},
		{"secrets-cloud-credentials", open("cloud"), "/home/ann/.x fail high: 0644 ann:ann"},
		{"secrets-database-credentials", open("database"), "fail high"},
		{"secrets-developer-credentials", open("developer"), "fail high"},
		{"secrets-web-keys", leaked("web", "", true, true), "fail critical"},
		{"secrets-web-keys", noWeb, "not_applicable: no web server"},
		{"secrets-web-tokens", leaked("web", "", true, false), "fail high"},
		{"secrets-web-repository", web("git"), "fail high: below /var/www/html"},
		{"secrets-web-backups", web("backup"), "fail high"},
		{"secrets-web-settings", web("settings"), "fail high"},
		{"secrets-user-data", leaked("user_data", "", false, false), "fail medium"},
	}
	return append(cases, cloudCases()...)
}

func cloudCases() []testCase {
	init := func(change func(*cloud.Init)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Cloud.Init) }
	}
	stated := func(change func(*cloud.Stated)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Cloud.Stated) }
	}
	elsewhere := func(f *facts.Facts) { f.Cloud.Provider = "" }
	gone := func(i int) func(*facts.Facts) { return func(f *facts.Facts) { f.Cloud.Agents[i].Installed = false } }
	cases := []testCase{
		{"cloud-init-result", init(func(i *cloud.Init) { i.Result.Yes, i.Errors = false, []string{"no route", "no key"} }), "fail low: no route; no key"},
		{"cloud-init-result", init(func(i *cloud.Init) { i.Result = fact.Tri{Reason: "no result"} }), "unknown: no result"},
		{"cloud-init-result", init(func(i *cloud.Init) { i.Installed = false }), "not_applicable"},
		{"cloud-init-data-permissions", init(func(i *cloud.Init) { i.Files[0].Open, i.Files[0].Text = true, "0644" }), "user-data.txt fail high: 0644"},
		{"cloud-init-data-permissions", init(func(i *cloud.Init) { i.Files = nil }), "not_applicable"},
		{"cloud-init-log-permissions", init(func(i *cloud.Init) { i.Logs[0].Open = true }), "fail low"},
		{"cloud-init-ssh-passwords", init(func(i *cloud.Init) {
			i.PwAuth = fact.Text{Value: "true", Set: true, File: "/f", Line: 4, Raw: "ssh_pwauth: 1"}
		}), "fail medium: ssh_pwauth: 1 @/f:4"},
		{"cloud-init-ssh-passwords", init(func(i *cloud.Init) { i.ConfigKnown, i.Reason = false, "denied" }), "unknown: denied"},
		{"cloud-init-passwords", init(func(i *cloud.Init) { i.Passwords = []fact.Text{{Value: "plain_text_passwd", File: "/f", Line: 9}} }), "/f fail medium: plain_text_passwd in line 9 @/f:9"},
		{"cloud-init-datasource", init(func(i *cloud.Init) { i.Pinned, i.Sources = false, fact.Text{} }), "fail informational: not set"},
		{"cloud-root-password", func(f *facts.Facts) {
			f.Cloud.Root = cloud.Root{Known: true, Set: true, First: true, Changed: "2026-10-01", Created: "2026-10-01", Line: 1}
		}, "fail medium: set on 2026-10-01, the host was made on 2026-10-01 @/etc/shadow:1"},
		{"cloud-root-password", func(f *facts.Facts) { f.Cloud.Root = cloud.Root{Known: true, Set: true} }, "not_applicable"},
		{"cloud-root-password", func(f *facts.Facts) { f.Cloud.Root = cloud.Root{Reason: "denied"} }, "unknown: denied"},
		{"cloud-monitoring", gone(0), "fail informational: do-agent is not installed"},
		{"cloud-monitoring", all(gone(0), elsewhere), "not_applicable"},
		{"cloud-console-agent", gone(1), "fail informational: droplet-agent"},
		{"cloud-monitoring", func(f *facts.Facts) { f.Cloud.Agents = nil }, "unknown: not read"},
		{"cloud-statement", stated(func(s *cloud.Stated) { s.Problem, s.Line = "backup is not known", 1 }), "fail low: backup is not known @/etc/seawall/cloud.yaml:1"},
		{"cloud-statement", stated(func(s *cloud.Stated) { s.Present = false }), "not_applicable"},
		{"cloud-backups", stated(func(s *cloud.Stated) { s.Backups.Value = "no" }), "fail medium: stated: no @/etc/seawall/cloud.yaml:1"},
		{"cloud-backups", stated(func(s *cloud.Stated) { s.Backups = fact.Text{} }), "unknown: nothing on the host says it"},
		{"cloud-firewall", stated(func(s *cloud.Stated) { s.Firewall.Value = "no" }), "fail low: stated: no"},
		{"cloud-firewall", stated(func(s *cloud.Stated) { s.Firewall, s.Problem = fact.Text{}, "line 3" }), "unknown: /etc/seawall/cloud.yaml: line 3"},
		{"cloud-image-logs", func(f *facts.Facts) { f.Cloud.Image.Known = false }, "unknown: accounts"},
	}
	severities := map[string]string{"authorized-keys": "critical", "passwords": "critical", "histories": "medium", "ssh-keys": "high", "cloud-init": "medium", "host-keys": "high"}
	for id, kind := range map[string]string{"authorized-keys": "authorized_keys", "passwords": "password", "histories": "history", "ssh-keys": "private_key",
		"logs": "log", "cloud-init": "instance", "host-keys": "host_key", "machine-id": "machine_id", "agent": "agent"} {
		severity := severities[id]
		if severity == "" {
			severity = "low"
		}
		cases = append(cases, testCase{"cloud-image-" + id, func(f *facts.Facts) {
			f.Cloud.Image.Items = []cloud.Item{{Kind: kind, Path: "/p", Line: 2, Text: "something"}}
		}, fmt.Sprintf("fail %s: something @/p:2", severity)})
	}
	return cases
}
