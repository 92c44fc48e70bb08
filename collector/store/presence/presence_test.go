package presence

import (
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seawall/collector/fleet"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
)

var now = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) *sqlite.Database {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	return d
}

func ago(d time.Duration) time.Time { return now.Add(-d) }

// TestOf has silence be measured in time during which the collector was there.
func TestOf(t *testing.T) {
	const minute, hour = time.Minute, time.Hour
	week := Outages{{ago(7*24*hour + minute), ago(minute)}}
	for _, tt := range []struct {
		name    string
		outages Outages
		seen    time.Duration
		want    fleet.Presence
	}{
		{"just now", nil, 0, fleet.Online},
		{"two heartbeats ago", nil, 3 * minute, fleet.Online},
		{"five minutes ago", nil, 5 * minute, fleet.Silent},
		{"yesterday", nil, 25 * hour, fleet.Offline},
		{"in the future", nil, -hour, fleet.Online},
		{"before a week of ours", week, 7*24*hour + 2*minute, fleet.Online},
		{"long before a week of ours", week, 7*24*hour + 5*minute, fleet.Silent},
		{"a day before a week of ours", week, 8*24*hour + 2*minute, fleet.Offline},
		{"over two outages", Outages{{ago(10 * hour), ago(hour)}, {ago(40 * hour), ago(20 * hour)}}, 52 * hour, fleet.Silent},
		{"longer than two outages", Outages{{ago(10 * hour), ago(hour)}, {ago(40 * hour), ago(20 * hour)}}, 54 * hour, fleet.Offline},
		{"an outage that has not ended", Outages{{ago(2 * hour), ago(-hour)}}, 2*hour + minute, fleet.Online},
		{"an outage that ends before it began", Outages{{ago(hour), ago(2 * hour)}}, 25 * hour, fleet.Offline},
	} {
		if got := tt.outages.Of(ago(tt.seen), now); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestBefore counts minute for minute how long the collector was there.
func TestBefore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var outages Outages
		down := make(map[int]bool) // minutes before now
		for at := 0; at < 500; {
			up, length := rapid.IntRange(1, 60).Draw(rt, "up"), rapid.IntRange(1, 60).Draw(rt, "down")
			outages = append(outages, Outage{ago(time.Duration(at+up+length) * time.Minute), ago(time.Duration(at+up) * time.Minute)})
			for i := range length {
				down[at+up+i] = true
			}
			at += up + length
		}
		long := rapid.IntRange(1, 300).Draw(rt, "long")
		at := 0
		for up := 0; up < long; at++ {
			if !down[at] {
				up++
			}
		}
		if want, got := ago(time.Duration(at)*time.Minute), outages.Before(now, time.Duration(long)*time.Minute); !got.Equal(want) {
			rt.Errorf("%d minutes: %v, want %v", long, got, want)
		}
	})
}

// TestMark has the mark be missed for some time, by a stop, a suspended machine or
// a clock that jumps.
func TestMark(t *testing.T) {
	d := open(t)
	at := now
	for step, tt := range []struct {
		pass    time.Duration
		outages int
	}{{0, 0}, {time.Minute, 0}, {4 * time.Minute, 0}, {6 * time.Minute, 1}, {time.Minute, 1}, {-240 * time.Hour, 1}, {time.Minute, 1}, {30 * 24 * time.Hour, 2}} {
		at = at.Add(tt.pass)
		if err := Mark(d.Writer, at); err != nil {
			t.Fatal(err)
		}
		o, err := Read(t.Context(), d.Readers)
		if err != nil || len(o) != tt.outages {
			t.Errorf("step %d: %d outages, want %d, %v", step, len(o), tt.outages, err)
		}
	}
	o, err := Load(d.Writer)
	if err != nil {
		t.Fatal(err)
	}
	// The newest is the one that began last.
	if first := o[0]; !first.Began.Equal(now.Add(5*time.Minute)) && !first.Ended.Equal(at) {
		t.Errorf("newest outage %+v", first)
	}
	for i := range maxOutages + 20 {
		if err := Mark(d.Writer, at.Add(time.Duration(i+1)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if o, err = Load(d.Writer); err != nil || len(o) != maxOutages {
		t.Errorf("%d outages are kept, %v", len(o), err)
	}
}
