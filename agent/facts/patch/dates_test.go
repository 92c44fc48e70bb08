package patch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDates(t *testing.T) {
	d := Dates{Date: day, ValidUntil: day.AddDate(0, 0, 7), File: "/f"}
	want := Freshness{Known: true, AgeSeconds: 3600, Date: "2026-11-21T12:00:00Z", ValidUntil: "2026-11-28T12:00:00Z", File: "/f", RefreshAgeSeconds: -1}
	if diff := cmp.Diff(want, d.At(day.Add(time.Hour))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	d.Refreshed = day.Add(time.Hour)
	f := d.At(day.AddDate(0, 0, 8))
	if !f.Expired || f.RefreshAgeSeconds != 8*24*3600-3600 {
		t.Errorf("8 days later: %+v", f)
	}
	if f := d.At(day.Add(-time.Hour)); f.AgeSeconds != 0 || f.RefreshAgeSeconds != 0 {
		t.Errorf("dates of the future have an age: %+v", f)
	}
	d.Refreshed = day.AddDate(0, 0, 10)
	if f := d.At(day.AddDate(0, 0, 8)); f.RefreshAgeSeconds != -1 || f.Refreshed != "" || f.AgeSeconds != 8*24*3600 {
		t.Errorf("refreshed by a clock that was ahead: %+v", f)
	}
	behind := Freshness{RefreshAgeSeconds: -1, Date: "2026-11-21T12:00:00Z", File: "/f",
		Reason: "the clock of this host says 2016-11-21T12:00:00Z, and the metadata was signed on 2026-11-21T12:00:00Z"}
	if diff := cmp.Diff(behind, d.At(day.AddDate(-10, 0, 0))); diff != "" {
		t.Errorf("a clock that is behind (-want +got):\n%s", diff)
	}
	none := Dates{Reason: "no list"}
	if diff := cmp.Diff(Freshness{RefreshAgeSeconds: -1, Reason: "no list"}, none.At(day)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
