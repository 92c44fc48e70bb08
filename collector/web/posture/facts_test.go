package posture

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

// TestFacts: whatever a host says of itself is on its page, each field by its own value,
// so that a field that is added to the heartbeat is not forgotten here.
func TestFacts(t *testing.T) {
	said := finding.Host{
		Name: "web-1", MachineID: "5f0c7a3e", OS: "Debian GNU/Linux 13 (trixie)", OSID: "debian", OSVersion: "13.1", Kernel: "6.12.41", Arch: "aarch64",
		BootTime: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), UptimeSeconds: 7*86_400 + 3*3600, Load1: 1.25, Load5: 2.5, Load15: 3.75,
		MemoryTotal: 8 << 30, MemoryFree: 3 << 30, CPUs: 17, DropletID: "481516234", Region: "fra1", AgentVersion: "0.3.1",
	}
	for n := range 23 {
		said.Tags = append(said.Tags, fmt.Sprintf("role-%02d", n))
	}
	shown := map[string]string{
		"BootTime": "2026-02-03 04:05:06 UTC", "UptimeSeconds": "7 d 3 h", "Load1": "1.25", "Load5": "2.50", "Load15": "3.75",
		"MemoryTotal": "8.0 GiB", "MemoryFree": "3.0 GiB", "CPUs": "on 17 CPUs", "Tags": "and 3 more",
	}
	page := rendered(t, said)
	for field, v := range reflect.ValueOf(said).Fields() {
		want := shown[field.Name]
		if want == "" {
			want = v.String()
		}
		if v.IsZero() || !strings.Contains(page, want) {
			t.Errorf("%s: the page does not have %q", field.Name, want)
		}
	}
	if !strings.Contains(page, `role-19`) || strings.Contains(page, "role-20") {
		t.Error("the page has not the first 20 tags alone")
	}
	if page = rendered(t, finding.Host{}); strings.Count(page, ">unknown<") < 3 || strings.Contains(page, "0001-01-01") || strings.Contains(page, "hashed") {
		t.Errorf("what a silent host is said to be:\n%s", page)
	}
}

func rendered(t *testing.T, said finding.Host) string {
	t.Helper()
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	host := fleet.Host{ID: "a", Labels: said, FirstSeen: now, LastSeen: now, Presence: fleet.Online}
	f.Show(w, frame.With(httptest.NewRequest("GET", "/hosts/a", nil), frame.Visitor{Role: frame.Viewer}), pages, "host", hostOf(now, fleet.HostDetail{Host: host}, history{}, nil, nil))
	return w.Body.String()
}
