package item_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/export/item"
	"seawall/collector/export/itemtest"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

func TestUID(t *testing.T) {
	seen := map[string]int{}
	for _, i := range itemtest.Items() {
		seen[i.UID()]++
	}
	h := string(itemtest.Host)
	want := map[string]int{h + "/ssh-permit-root-login": 12, h + "/patch-security-updates/libssl3:amd64": 3, h + "/detections/00ff": 2}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestPatch(t *testing.T) {
	var got []item.Patch
	for _, i := range itemtest.Items() {
		if p, ok := i.Patch(); ok {
			got = append(got, p)
		}
	}
	p := item.Patch{Name: "libssl3", Arch: "amd64", Installed: "3.0.15-1", Fixed: "3.0.16-1", CVEs: []string{"CVE-2024-5535", "CVE-2024-6119"}}
	none, one := p, p
	none.CVEs, one.CVEs = nil, []string{"CVE-2024-6119"}
	if diff := cmp.Diff([]item.Patch{p, none, one}, got); diff != "" {
		t.Error(diff)
	}
}

// TestSeverity: what is as it should be wakes nobody, and what is bad keeps its severity.
func TestSeverity(t *testing.T) {
	for _, i := range itemtest.Items() {
		if i.Detection != nil {
			continue
		}
		want := i.Result.Severity
		switch i.Result.Status {
		case finding.StatusPass, finding.StatusNotApplicable:
			want = finding.SeverityInformational
		}
		if got := i.Severity(); got != want {
			t.Errorf("%s: %s, want %s", i.Text(), got, want)
		}
	}
	for _, i := range itemtest.Hostile() {
		if i.Severity() > finding.SeverityCritical {
			t.Errorf("severity %d", i.Severity())
		}
	}
}

func TestTime(t *testing.T) {
	at := itemtest.At()
	far := time.Date(60_000, 1, 1, 0, 0, 0, 0, time.UTC)
	i := item.Change(finding.Host{}, finding.CheckInfo{}, fleet.Event{Received: at, Change: finding.Change{Result: finding.Result{Time: far}}})
	if got := i.Time(); !got.Equal(at) {
		t.Errorf("a time that cannot be written is %s", got)
	}
	for _, i := range itemtest.Hostile() {
		if y := i.Time().Year(); y != 1 {
			t.Errorf("year %d", y)
		}
	}
}

func TestTechniques(t *testing.T) {
	all := itemtest.Items()
	got := all[len(all)-1].Techniques()
	if diff := cmp.Diff([]item.Technique{{ID: "T1059", Sub: "T1059.004"}, {ID: "T1505"}}, got); diff != "" {
		t.Error(diff)
	}
}
