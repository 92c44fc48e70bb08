package words

import (
	"testing"
	"time"

	"seawall/pkg/finding"
)

func TestCause(t *testing.T) {
	c := &finding.Cause{AUID: finding.Unset, Session: finding.Unset, UID: 33, TTY: "(none)", Exe: "/bin/sh", Path: "/x", Operation: "rename"}
	if got, want := Cause(c), "nobody logged in as user 33: /bin/sh, rename of /x at 0001-01-01T00:00:00Z, audit serial 0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAge(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		since time.Time
		want  string
	}{
		{time.Time{}, ""}, {now.Add(time.Second), ""}, {now, "since today"}, {now.Add(-47 * time.Hour), "for 1 day"},
		{now.Add(-12 * 24 * time.Hour), "for 12 days"},
	} {
		if got := Age(now, tt.since); got != tt.want {
			t.Errorf("since %v: got %q, want %q", tt.since, got, tt.want)
		}
	}
}

func TestTally(t *testing.T) {
	fail := finding.Result{Status: finding.StatusFail, Severity: finding.SeverityHigh}
	worse := finding.Result{Status: finding.StatusFail, Severity: finding.SeverityCritical}
	for want, list := range map[string][]finding.Result{
		"nothing was checked": nil,
		"3 failed (1 critical, 2 high), 1 error, 1 unknown, 1 waived, 1 passed, 1 not applicable": {fail, worse, fail,
			{Status: finding.StatusError}, {Status: finding.StatusUnknown}, {Status: finding.StatusWaived}, {Status: finding.StatusPass},
			{Status: finding.StatusNotApplicable}},
	} {
		if got := Tally(list); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestPlace(t *testing.T) {
	for want, e := range map[string]finding.Evidence{"": {Text: "x"}, "/f": {File: "/f"}, "/f:3": {File: "/f", Line: 3}} {
		if got := Place(e); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for want, r := range map[string]finding.Result{
		"": {Time: now}, "2026-11-22, today": {Time: now, Since: now}, "2026-11-20, for 2 days": {Time: now, Since: now.AddDate(0, 0, -2)},
		"2026-11-23": {Time: now, Since: now.AddDate(0, 0, 1)},
	} {
		if got := Since(&r); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
