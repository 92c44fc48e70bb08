package format

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		0: "just now", 4 * time.Second: "just now", 5 * time.Second: "5 s ago", 59 * time.Second: "59 s ago", time.Minute: "1 min ago",
		59 * time.Minute: "59 min ago", time.Hour: "1 h ago", 47 * time.Hour: "47 h ago", 48 * time.Hour: "2 d ago", 400 * 24 * time.Hour: "400 d ago",
		-time.Minute: "just now", -3 * time.Minute: "in the future",
	} {
		if got := Ago(now, now.Add(-ago)); got != want {
			t.Errorf("%v: %q, want %q", ago, got, want)
		}
	}
	for _, none := range []time.Time{{}, time.Unix(math.MaxInt32*1e6, 0), time.Unix(-1e9, 0)} {
		if Ago(now, none) != "never" || Stamp(none) != "" || Full(none) != "never" {
			t.Errorf("%v is taken for a time", none)
		}
	}
	if got := Stamp(now) + " " + Full(now); got != "2026-03-14T12:00:00Z 2026-03-14 12:00:00 UTC" {
		t.Error(got)
	}
}

func TestNumbers(t *testing.T) {
	const thin = "\u202f"
	for got, want := range map[string]string{
		Count(0): "0", Count(999): "999", Count(1000): "1" + thin + "000", Count(uint64(math.MaxUint64)): "18" + thin + "446" + thin + "744" + thin + "073" + thin + "709" + thin + "551" + thin + "615",
		Count(-5): "0", Bytes(0): "0 B", Bytes(1023): "1023 B", Bytes(1024): "1.0 KiB", Bytes(1 << 20): "1.0 MiB", Bytes(999 << 20): "999 MiB", Bytes(1000 << 20): "1.0 GiB", Bytes(math.MaxUint64): "16 EiB",
		Seconds(59): "59 s", Seconds(3599): "59 min", Seconds(3600): "1 h 0 min", Seconds(90_000): "1 d 1 h",
		CPU(1.5): "1.50 s", CPU(3600): "1 h 0 min", CPU(math.NaN()): "unknown", CPU(math.Inf(1)): "unknown", CPU(-1): "unknown", CPU(1e18): "unknown",
		Load(0.5): "0.50", Load(math.NaN()): "?", Load(math.Inf(1)): "?", Load(-1): "?",
		Session(7): "7", Session(finding.Unset): "none", User("", 7): "uid 7", User("a\nb", 7): `a\nb`, User("x", finding.Unset): "nobody logged in",
		Severity(finding.SeverityInformational): "info", Severity(99): "severity(99)", Status(99): "status(99)", Status(finding.StatusNotApplicable): "not applicable",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := Seconds(math.MaxUint64); !strings.HasSuffix(got, "h") {
		t.Error(got)
	}
}

func TestLink(t *testing.T) {
	for s, want := range map[string]bool{
		"https://www.openssh.com/manual.html": true, "http://example.org/": false, "javascript:alert(1)": false, "https://": false, "//example.org": false,
		"https://user@example.org/": false, " https://example.org": false, "CIS 5.1.20": false, "": false, "https://exa mple.org": false,
	} {
		if got := Link(s) != ""; got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestLines(t *testing.T) {
	got := Lines("\n first\r\nsecond\x1b[31m \n\nlast\n\n")
	if d := cmp.Diff([]string{"first", `second\x1b[31m`, "", "last"}, got); d != "" {
		t.Error(d)
	}
	if Lines(" \n\t ") != nil {
		t.Error("blank text has lines")
	}
}

func FuzzHead(f *testing.F) {
	for _, s := range []string{"", "abc", "漢字", "a\xffb", strings.Repeat("é", 300)} {
		f.Add(3, s)
	}
	f.Fuzz(func(t *testing.T, n int, s string) {
		n = min(max(n, 0), 1000)
		head := Head(n, s)
		if utf8.RuneCountInString(head) > n+1 || utf8.ValidString(s) && !utf8.ValidString(head) {
			t.Errorf("the first %d of %q are %q", n, s, head)
		}
		if rest, cut := strings.CutSuffix(head, "…"); !strings.HasPrefix(s, head) && (!cut || !strings.HasPrefix(s, rest)) {
			t.Errorf("%q does not begin with %q", s, head)
		}
		if strings.ContainsAny(Line(s), "\n\r\x1b\u202e") {
			t.Errorf("%q is no line", Line(s))
		}
	})
}

func TestFor(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Hour: "less than an hour", 0: "less than an hour", 59 * time.Minute: "less than an hour", time.Hour: "1 hour", 23*time.Hour + 59*time.Minute: "23 hours",
		24 * time.Hour: "1 day", 47 * time.Hour: "1 day", 12 * 24 * time.Hour: "12 days", 1200 * 24 * time.Hour: "1\u202f200 days",
	} {
		if got := For(now, now.Add(-d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := For(now, time.Time{}); got != "an unknown time" {
		t.Errorf("never: %q", got)
	}
}
