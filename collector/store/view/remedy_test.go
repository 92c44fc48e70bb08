package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// Who has hosts of several distributions is told how to mend a check on each of them, and
// who sees some hosts how to on these.
func TestRemedies(t *testing.T) {
	const check = "ssh-a"
	text := func(check, title, remedy string) []byte {
		b, err := wire.Encode(wire.Record{Pack: &finding.Pack{Checks: []finding.CheckInfo{{ID: check, Title: title, Remediation: remedy}}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var hosts, labels, told [][]any
	for i, h := range []struct {
		os       string
		hash     int
		archived int
	}{
		{"Debian 12", 1, 0}, {"Debian 12", 1, 0}, {"Debian 13", 2, 0}, // 2 says what 1 says, of a newer agent
		{"Rocky 9", 3, 0}, {"", 3, 0}, {"Rocky 8", 3, 1}, {"Alpine 3", 0, 0},
	} {
		key := mustKey(t, i)
		hosts = append(hosts, []any{key, 0, now.UnixNano(), h.archived})
		if h.os != "" {
			labels = append(labels, []any{key, h.os, "", ""})
		}
		if h.hash != 0 {
			told = append(told, []any{key, check, []byte{9}, []byte{byte(h.hash)}})
		}
	}
	v := fill(t, map[string][][]any{
		"host (host, first_seen, last_seen, archived)": hosts, "host_label": labels, "host_info": told,
		"host_tag": {{mustKey(t, 3), "mine"}, {mustKey(t, 0), "theirs"}},
		"info": {{[]byte{1}, check, 2, text(check, "old", "apt")}, {[]byte{2}, check, 1, text(check, "new", "apt")}, {[]byte{3}, check, 3, text(check, "new", "dnf")},
			{[]byte{4}, "ssh-b", 3, text("ssh-b", "other", "zypper")}},
		"state":                                {{mustKey(t, 0), check, "", int(finding.StatusFail), 4, 0, stateBody(t, check, "", finding.StatusFail)}, {mustKey(t, 3), check, "", int(finding.StatusFail), 4, 0, stateBody(t, check, "", finding.StatusFail)}},
		"host_check":                           {{mustKey(t, 0), check, 1}, {mustKey(t, 3), check, 1}},
		"check_rollup (check_id, fail, hosts)": {{check, 2, 2}, {"ssh-b", 1, 1}},
	})
	apt := fleet.Remedy{Text: "apt", Hosts: 3, Systems: []fleet.Facet{{Value: "Debian 12", Hosts: 2}, {Value: "Debian 13", Hosts: 1}}}
	dnf := fleet.Remedy{Text: "dnf", Hosts: 2, Systems: []fleet.Facet{{Hosts: 1}, {Value: "Rocky 9", Hosts: 1}}}
	d, err := v.Check(t.Context(), check)
	if diff := cmp.Diff([]fleet.Remedy{apt, dnf}, d.Remedies); diff != "" || err != nil {
		t.Errorf("of all hosts: %v\n%s", err, diff)
	}
	d, err = v.CheckOf(t.Context(), check, []string{"mine"})
	if diff := cmp.Diff([]fleet.Remedy{{Text: "dnf", Hosts: 1, Systems: []fleet.Facet{{Value: "Rocky 9", Hosts: 1}}}}, d.Remedies); diff != "" || err != nil {
		t.Errorf("of a scope: %v\n%s", err, diff)
	}
	if d, err = v.Check(t.Context(), "ssh-b"); err != nil || d.Remedies != nil {
		t.Errorf("all hosts have the same text: %+v, %v", d.Remedies, err)
	}
}
