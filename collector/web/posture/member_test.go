package posture

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
)

func TestBadges(t *testing.T) {
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	later := now.Add(10 * 24 * time.Hour)
	for name, tt := range map[string]struct {
		member *fleet.Member
		want   []badge
	}{
		"never admitted": {nil, nil},
		"as it should":   {&fleet.Member{Standing: fleet.Active, Expires: later}, nil},
		"no certificate": {&fleet.Member{Standing: fleet.Active}, nil},
		"five days":      {&fleet.Member{Standing: fleet.Active, Expires: now.Add(expirySoon)}, nil},
		"less than five days": {
			&fleet.Member{Standing: fleet.Active, Expires: now.Add(expirySoon - time.Hour)},
			[]badge{{"st-unknown", "certificate ends in 4 d 23 h"}},
		},
		"last second": {
			&fleet.Member{Standing: fleet.Active, Expires: now.Add(time.Second)},
			[]badge{{"st-unknown", "certificate ends in 1 s"}},
		},
		"expired": {&fleet.Member{Standing: fleet.Active, Expires: now}, []badge{{"st-error", "certificate expired"}}},
		"quarantined": {
			&fleet.Member{Standing: fleet.Quarantined, Expires: now.Add(-time.Hour)},
			[]badge{{"st-fail", "quarantined"}, {"st-error", "certificate expired"}},
		},
		"revoked": {&fleet.Member{Standing: fleet.Revoked, Expires: now.Add(-time.Hour)}, []badge{{"st-fail", "revoked"}}},
		"a copy that slept": {
			&fleet.Member{Standing: fleet.Active, Expires: later, CloneOf: "x", Recoveries: 1},
			[]badge{{"sub", "began as a copy"}, {"sub", "came back after expiry once"}},
		},
		"slept often": {
			&fleet.Member{Standing: fleet.Active, Expires: later, Recoveries: 1200},
			[]badge{{"sub", "came back after expiry 1\u202f200 times"}},
		},
	} {
		if got := badges(now, fleet.Host{Member: tt.member}); !cmp.Equal(got, tt.want) {
			t.Errorf("%s: %v; want %v", name, got, tt.want)
		}
	}
}

func TestNotices(t *testing.T) {
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		member   *fleet.Member
		title    string
		commands int
	}{
		"never admitted": {nil, "", 0},
		"active":         {&fleet.Member{Standing: fleet.Active, Expires: now.Add(time.Hour)}, "", 0},
		"expired":        {&fleet.Member{Standing: fleet.Active, Expires: now.Add(-time.Hour)}, "Certificate expired", 0},
		"revoked":        {&fleet.Member{Standing: fleet.Revoked}, "Revoked", 0},
		"quarantined":    {&fleet.Member{Standing: fleet.Quarantined, Expires: now.Add(-time.Hour)}, "Quarantined", 2},
	} {
		got := notices(now, fleet.Host{ID: "a1", Member: tt.member})
		if tt.title == "" {
			if got != nil {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		text := fmt.Sprint(got)
		if len(got) != 1 || got[0].Title != tt.title || strings.Count(text, " a1") != tt.commands {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestQueue(t *testing.T) {
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	var all []fleet.Request
	for i := range waitingShown + 5 {
		all = append(all,
			fleet.Request{ID: fmt.Sprintf("%016x", i), Asked: now.Add(-time.Duration(i) * time.Minute), Decision: fleet.Waiting},
			fleet.Request{ID: "ffffffffffffffff", Decision: fleet.Approved}, fleet.Request{ID: "ffffffffffffffff", Decision: fleet.Rejected})
	}
	q := newQueue(now, all, "f1")
	if q.All != waitingShown+5 || len(q.Shown) != waitingShown || q.Shown[0].ID != fmt.Sprintf("%016x", waitingShown+4) {
		t.Fatalf("%d, %d shown, first %s", q.All, len(q.Shown), q.Shown[0].ID)
	}
	want := []string{"seawall-collector host approve 0000000000000018", "seawall-collector host reject 0000000000000018"}
	if d := cmp.Diff(want, q.Shown[0].Commands); d != "" {
		t.Error(d)
	}
	for _, id := range []string{"", "0000000000000018; id", "$(id)$(id)$(id)x", "000000000000001G"} {
		if c := decisions(id); c != nil {
			t.Errorf("%q: %q", id, c)
		}
	}
}

func TestConcerns(t *testing.T) {
	if got := concerns(fleet.Overview{Standing: map[fleet.Standing]int{fleet.Active: 3, fleet.Revoked: 1}}); got != nil {
		t.Errorf("%v", got)
	}
	got := concerns(fleet.Overview{Standing: map[fleet.Standing]int{fleet.Quarantined: 1}, Expired: 2, Requests: 1000})
	want := []concern{
		{"st-fail", "/hosts?status=quarantined", "1 host is quarantined"},
		{"st-error", "/hosts?status=expired", "2 hosts have expired certificates"},
		{"st-unknown", "/hosts#waiting", "1\u202f000 hosts wait for approval"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
