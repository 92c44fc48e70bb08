package row

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// of returns a scan of one row, as database/sql does it for these types.
func of(values ...any) func(...any) error {
	return func(to ...any) error {
		if len(to) != len(values) {
			return fmt.Errorf("%d columns for %d", len(values), len(to))
		}
		for i, v := range values {
			if v != nil {
				reflect.ValueOf(to[i]).Elem().Set(reflect.ValueOf(v).Convert(reflect.TypeOf(to[i]).Elem()))
			}
		}
		return nil
	}
}

func encode(t *testing.T, r wire.Record) []byte {
	t.Helper()
	body, err := wire.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A body of another kind than its table's, and one that a disk damaged, are errors.
func TestDamaged(t *testing.T) {
	at := time.Unix(5, 0).UTC()
	change := encode(t, wire.Record{Time: at, Change: &finding.Change{Result: finding.Result{Check: "sshd-root", Status: finding.StatusFail, Time: at}}})
	beat := encode(t, wire.Record{Time: at, Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: "web", Region: "fra1"}}})
	read := map[string]func(body []byte) error{
		"event": func(body []byte) error {
			e, err := Event(of(7, []byte{1}, "web", 5e9, true, false, body))
			if err == nil && (e.ID != 7 || e.Host != "01" || !e.Received.Equal(at) || !e.Resync || e.Change.Result.Check != "sshd-root") {
				t.Errorf("event %+v", e)
			}
			return err
		},
		"state": func(body []byte) error {
			s, err := State(of([]byte{1}, "web", 5e9, body))
			if err == nil && (s.Host != "01" || !s.Since.Equal(at) || s.Result.Check != "sshd-root") {
				t.Errorf("state %+v", s)
			}
			return err
		},
		"heartbeat": func(body []byte) error {
			row := []any{[]byte{1}, 5e9, 6e9, body}
			for n := range 15 {
				row = append(row, n)
			}
			h, err := Host(of(append(row, 9)...), func(time.Time) fleet.Presence { return fleet.Online })
			if err == nil && (h.Labels.Region != "fra1" || h.Presence != fleet.Archived || h.Counts.Fail != 1 || h.BySeverity[5] != 11) {
				t.Errorf("host %+v", h)
			}
			return err
		},
		"text": func(body []byte) error {
			_, err := Info(of("sshd-root", body))
			return err
		},
		"detection": func(body []byte) error {
			_, err := Detection(of([]byte{1}, "web", 1, 5e9, 4, 5e9, 5e9, true, body))
			return err
		},
	}
	right := map[string][]byte{
		"event": change, "state": change, "heartbeat": beat,
		"text":      encode(t, wire.Record{Pack: &finding.Pack{Checks: []finding.CheckInfo{{ID: "sshd-root", Family: "sshd", Title: "t"}}}}),
		"detection": encode(t, wire.Record{Time: at, Detection: &finding.Detection{ID: "aa", Rule: "r", Title: "t", Severity: finding.SeverityHigh, Count: 1, First: at, Last: at}}),
	}
	for name, do := range read {
		if err := do(right[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for wrong, body := range right {
			if string(body) != string(right[name]) && do(body) == nil {
				t.Errorf("%s was read from a %s", name, wrong)
			}
		}
		if do(right[name][:len(right[name])/2]) == nil {
			t.Errorf("half a %s was read", name)
		}
	}
}

// The text of a check that no host sent is its id.
func TestBare(t *testing.T) {
	if c, err := Info(of("sshd-root", nil)); err != nil || c.Family != "sshd" || c.Title != "sshd-root" {
		t.Errorf("%+v, %v", c, err)
	}
	want := errors.New("gone")
	if _, err := State(func(...any) error { return want }); !errors.Is(err, want) {
		t.Error(err)
	}
}
