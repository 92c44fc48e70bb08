package runlog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const success = `2026-11-20 05:00:00,000 INFO Starting unattended upgrades script
2026-11-20 05:00:01,000 INFO Allowed origins are: origin=Debian
2026-11-20 06:12:33,123 INFO Starting unattended upgrades script
2026-11-20 06:12:40,000 INFO All upgrades installed
`

const failure = `2026-11-21 06:00:00,000 INFO Starting unattended upgrades script
2026-11-21 06:00:09,000 ERROR Installing the upgrades failed!
2026-11-21 06:00:09,000 ERROR error message: installArchives() failed
Traceback (most recent call last):
`

const german = `2026-11-22 06:00:00,000 INFO Skript für unbeaufsichtigte Aktualisierungen wird gestartet
2026-11-22 06:00:09,000 ERROR Die Installation der Aktualisierungen ist fehlgeschlagen!
`

const dnf = `2026-11-20T06:12:30+0000 INFO --- logging initialized ---
2026-11-20T06:12:33+0000 DEBUG Started dnf-automatic.
2026-11-20T08:00:00Z INFO --- logging initialized ---
2026-11-20T08:00:00Z CRITICAL Error: of a person
2026-11-21T06:12:33+0000 DEBUG Started dnf-automatic.
2026-11-21T06:12:40+0000 ERROR Error: no network
2026-11-21T06:12:41+0000 ERROR another
`

const dnf5 = `2026-11-20T06:12:33+0000 [2210] INFO --- DNF5 launched with arguments: "/usr/bin/dnf5 automatic --timer" ---
2026-11-20T06:12:34+0000 [2300] INFO --- DNF5 launched with arguments: "dnf install x" ---
2026-11-20T06:12:35+0000 [2300] ERROR of a person
2026-11-21T06:12:33+0000 [2400] INFO --- DNF5 launched with arguments: "/usr/bin/dnf5 automatic --timer" ---
2026-11-21T06:12:35+0000 [2400] ERROR no network
`

func at(s string) time.Time {
	t, _ := time.Parse("2006-01-02 15:04:05", s)
	return t
}

func TestUnattended(t *testing.T) {
	want := []Run{
		{At: at("2026-11-20 05:00:00")}, // only downloaded
		{At: at("2026-11-20 06:12:40"), Done: true, Line: "2026-11-20 06:12:40,000 INFO All upgrades installed"},
		{At: at("2026-11-21 06:00:00"), Failure: "Installing the upgrades failed!"},
		{At: at("2026-11-22 06:00:00"), Failure: "Die Installation der Aktualisierungen ist fehlgeschlagen!"},
	}
	if d := cmp.Diff(want, Unattended([]byte(success+failure+german), time.UTC)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	east := time.FixedZone("east", 5*3600)
	if got := Unattended([]byte(success), east)[1].At; !got.Equal(at("2026-11-20 01:12:40")) {
		t.Errorf("in another zone: %v", got)
	}
}

func TestDNF(t *testing.T) {
	runs, since := DNF([]byte(dnf))
	if len(runs) != 2 || !runs[0].Done || runs[1].Done || runs[1].Failure != "Error: no network" || !since.Equal(at("2026-11-20 06:12:30")) {
		t.Errorf("%+v since %v", runs, since)
	}
	runs, _ = DNF([]byte(dnf5))
	if len(runs) != 2 || !runs[0].Done || runs[0].Failure != "" || runs[1].Failure != "no network" {
		t.Errorf("dnf 5: %+v", runs)
	}
}

func FuzzUnattended(f *testing.F) {
	f.Add([]byte(success + failure))
	f.Add([]byte("2026-11-20 06:12:33 \n2026-11-20 06:12:33,1 ERROR\nTraceback\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range Unattended(b, time.UTC) {
			if r.Done && (r.Line == "" || r.At.IsZero()) {
				t.Errorf("%+v", r)
			}
		}
	})
}

func FuzzDNF(f *testing.F) {
	f.Add([]byte(dnf))
	f.Add([]byte(dnf5))
	f.Fuzz(func(t *testing.T, b []byte) {
		runs, since := DNF(b)
		if len(runs) > 0 && since.IsZero() {
			t.Errorf("%d runs without a beginning", len(runs))
		}
		for _, r := range runs {
			if r.Done && r.Failure != "" {
				t.Errorf("%+v", r)
			}
		}
	})
}
