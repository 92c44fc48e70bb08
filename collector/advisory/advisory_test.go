package advisory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
)

func update(evidence ...string) *finding.Result {
	r := &finding.Result{Check: Check, Resource: "kernel:x86_64", Status: finding.StatusFail, Expected: "1.2-3"}
	for _, text := range evidence {
		r.Evidence = append(r.Evidence, finding.Evidence{Text: text})
	}
	return r
}

func TestNames(t *testing.T) {
	for text, want := range map[string]string{
		"Important RHSA-2024:1234, RHSA-2024:99: CVE-2024-1, CVE-2024-6119, published 2024-09-03T00:00:00Z": "RHSA-2024:1234 RHSA-2024:99 CVE-2024-1 CVE-2024-6119",
		"ALAS2023-2024-512":                        "ALAS2023-2024-512",
		"Moderate FEDORA-EPEL-2024-0a1b2c3d4e":     "FEDORA-EPEL-2024-0a1b2c3d4e",
		"DSA-5764-1: CVE-2024-6119, CVE-2024-6119": "DSA-5764-1 CVE-2024-6119",
		"SUSE-SU-2024:3106-1, USN-6986-1":          "SUSE-SU-2024:3106-1 USN-6986-1",
		"Low":                                      "",
		"":                                         "",
		"1.2-3 in Debian-Security:12/stable-security, source A-1": "",
		"held: by USN-1-1":                      "",
		"not available: no RHSA-2024:1":         "",
		"RHSA-2024:1: CVE-2024-1, CVE-2024-12…": "RHSA-2024:1 CVE-2024-1",
		"CVE-2024-1<script>CVE-2024-2":          "CVE-2024-1 CVE-2024-2",
		strings.Repeat("A", 40) + "-1":          "",
		"\xffRHSA-1\x00":                        "RHSA-1",
	} {
		var got []string
		for _, n := range Names(update(text)) {
			if n.Kind == CVE != strings.HasPrefix(n.Text, "CVE-") {
				t.Errorf("%q: %+v", text, n)
			}
			got = append(got, n.Text)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// TestNamesOfOthers: what is no pending update names nothing, and a result names so many.
func TestNamesOfOthers(t *testing.T) {
	for name, change := range map[string]func(*finding.Result){
		"another check": func(r *finding.Result) { r.Check = "ssh-a" },
		"installed":     func(r *finding.Result) { r.Status = finding.StatusPass },
		"the whole":     func(r *finding.Result) { r.Resource = "" },
	} {
		r := update("RHSA-2024:1")
		if change(r); Names(r) != nil {
			t.Errorf("%s: %v", name, Names(r))
		}
	}
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("CVE-2024-%d", 1000+i))
	}
	if n := len(Names(update(strings.Join(many, ", ")))); n != MaxNames {
		t.Errorf("%d names", n)
	}
}

// FuzzNames holds that names are short, of few letters, and each once.
func FuzzNames(f *testing.F) {
	f.Add("Important RHSA-2024:1234: CVE-2024-1, published 2024-09-03T00:00:00Z", "held: x")
	f.Add("CVE-2024-…", "A-1-1-1-1-1-1:1\x00\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		seen := map[string]bool{}
		for _, n := range Names(update(a, b)) {
			if seen[n.Text] || len(n.Text) > 160 || strings.Trim(strings.ToLower(n.Text), "abcdefghijklmnopqrstuvwxyz0123456789-:") != "" {
				t.Errorf("%q", n.Text)
			}
			seen[n.Text] = true
		}
		if len(seen) > MaxNames {
			t.Errorf("%d names", len(seen))
		}
	})
}
