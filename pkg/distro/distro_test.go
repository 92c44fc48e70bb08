package distro

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func date(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lifeOf asks the built-in table, as if it were made before now.
func lifeOf(o OS, now time.Time, others ...Claim) Life {
	t := Newest(nil, now)
	if now.Before(t.AsOf) {
		t.AsOf = now
	}
	return t.LifeOf(o, now, others...)
}

func TestParseOS(t *testing.T) {
	got := ParseOS([]byte(`# comment
PRETTY_NAME="Alma \"9\" \$x (Seafoam)"
NAME='AlmaLinux'
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID=9.5
garbage
SUPPORT_END=2032-06-01
`))
	want := OS{ID: "almalinux", Like: []string{"rhel", "centos", "fedora"}, VersionID: "9.5", Name: "AlmaLinux",
		PrettyName: `Alma "9" $x (Seafoam)`, SupportEnd: "2032-06-01"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestFamily(t *testing.T) {
	for _, tt := range []struct{ id, like, want string }{
		{"debian", "", "debian"}, {"ubuntu", "debian", "debian"}, {"raspbian", "debian", "debian"},
		{"rhel", "fedora", "rhel"}, {"almalinux", "rhel centos fedora", "rhel"}, {"centos", "rhel fedora", "rhel"},
		{"amzn", "centos rhel fedora", "rhel"}, {"fedora", "", "fedora"}, {"nobara", "fedora", "fedora"},
		{"opensuse-leap", "suse opensuse", "suse"}, {"manjaro", "arch", "arch"}, {"alpine", "", "alpine"}, {"void", "", ""}, {"", "", ""},
	} {
		if got := (OS{ID: tt.id, Like: strings.Fields(tt.like)}).Family(); got != tt.want {
			t.Errorf("%s (%s) is of family %q, want %q", tt.id, tt.like, got, tt.want)
		}
	}
}

func TestLifeOf(t *testing.T) {
	for _, tt := range []struct {
		id, version, day string
		state            State
		ends             string
		left             int
	}{
		{"debian", "13", "2026-11-21", Supported, "2028-08-09", 627},
		{"debian", "12", "2026-11-21", Extended, "2026-07-11", -133},
		{"debian", "12", "2026-07-11", Ending, "2026-07-11", 0},
		{"debian", "11", "2026-11-21", Ended, "2024-08-14", -829},
		{"debian", "11", "2026-08-31", Extended, "2024-08-14", -747},
		{"debian", "11", "2026-09-01", Ended, "2024-08-14", -748},
		{"ubuntu", "22.04", "2026-11-21", Supported, "2027-06-01", 192},
		{"ubuntu", "20.04", "2026-11-21", Extended, "2025-05-29", -541},
		{"ubuntu", "25.10", "2026-11-21", Ended, "2026-07-09", -135},
		{"ubuntu", "26.04", "2026-11-21", Supported, "2031-05-29", 1650},
		{"fedora", "43", "2026-11-21", Ending, "2026-12-09", 18},
		{"fedora", "44", "2026-11-21", Supported, "2027-06-02", 193},
		{"almalinux", "9.5", "2026-11-21", Supported, "2032-05-31", 2018},
		{"rocky", "10.1", "2026-11-21", Supported, "2035-05-31", 3113},
	} {
		got := lifeOf(OS{ID: tt.id, VersionID: tt.version}, date(t, tt.day).Add(15*time.Hour))
		if got.State != tt.state || got.Ends.Format(time.DateOnly) != tt.ends || got.DaysLeft != tt.left {
			t.Errorf("%s %s on %s: %s, %s, %d days; want %s, %s, %d", tt.id, tt.version, tt.day,
				got.State, got.Ends.Format(time.DateOnly), got.DaysLeft, tt.state, tt.ends, tt.left)
		}
		if got.Reason == "" || got.Conflict != "" || !strings.Contains(got.Source, "as of") {
			t.Errorf("%s %s: reason %q, conflict %q, source %q", tt.id, tt.version, got.Reason, got.Conflict, got.Source)
		}
	}
}

func TestCentOS(t *testing.T) {
	now := date(t, "2026-11-21")
	if got := lifeOf(OS{ID: "centos", VersionID: "9", Name: "CentOS Stream"}, now); got.State != Supported {
		t.Errorf("CentOS Stream 9: %+v", got)
	}
	if got := lifeOf(OS{ID: "centos", VersionID: "8", Name: "CentOS Linux"}, now); got.Ends.Format(time.DateOnly) != "2021-12-31" {
		t.Errorf("CentOS Linux 8: %+v", got)
	}
}

func TestUnknown(t *testing.T) {
	now := date(t, "2026-11-21")
	for _, tt := range []struct {
		os     OS
		now    time.Time
		reason string
	}{
		{OS{ID: "debian", VersionID: "99"}, now, "not in the table"},
		{OS{ID: "debian"}, now, "rolling or unreleased"},
		{OS{}, now, "names no distribution"},
		{OS{ID: "debian", VersionID: "13"}, now.AddDate(0, 14, 0), "too old"},
	} {
		got := lifeOf(tt.os, tt.now)
		if got.State != Unknown || !strings.Contains(got.Reason, tt.reason) || !got.Ends.IsZero() {
			t.Errorf("%+v: %+v, want unknown with %q", tt.os, got, tt.reason)
		}
	}
}

func TestOtherSources(t *testing.T) {
	now := date(t, "2026-11-21")
	fedora := OS{ID: "fedora", VersionID: "44", SupportEnd: "2027-05-19"}
	if got := lifeOf(fedora, now); got.Ends.Format(time.DateOnly) != "2027-06-02" || got.Conflict != "" {
		t.Errorf("sources two weeks apart: %+v, want the later and no conflict", got)
	}
	fedora.SupportEnd = "2027-06-20"
	if got := lifeOf(fedora, now); got.Ends.Format(time.DateOnly) != "2027-06-19" || !strings.Contains(got.Source, "SUPPORT_END") {
		t.Errorf("SUPPORT_END is later: %+v, want the day before it", got)
	}
	fedora.SupportEnd = "2029-01-01"
	if got := lifeOf(fedora, now); got.Ends.Format(time.DateOnly) != "2027-06-02" || !strings.Contains(got.Conflict, "2028-12-31") {
		t.Errorf("sources far apart: %+v, want the table's date and a conflict", got)
	}
	if got := lifeOf(OS{ID: "nobara", VersionID: "44", SupportEnd: "2027-05-19"}, now); got.State != Supported || got.Ends.Format(time.DateOnly) != "2027-05-18" {
		t.Errorf("not in the table: %+v, want its own SUPPORT_END", got)
	}
	late := date(t, "2030-01-01")
	claim := Claim{Ends: date(t, "2030-08-01"), Extended: date(t, "2032-01-01"), Kind: "LTS", Source: "distro-info"}
	if got := lifeOf(OS{ID: "debian", VersionID: "13"}, late, claim); got.State != Supported || got.Source != "distro-info" {
		t.Errorf("table too old: %+v, want distro-info's word", got)
	}
}

const debianCSV = `version,codename,series,created,release,eol,eol-lts,eol-elts
1.1,Buzz,buzz,1993-08-16,1996-06-17,1997-06-05
12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30
,Sid,sid,1993-08-16
`

func TestDistroInfo(t *testing.T) {
	got, ok := DistroInfo(OS{ID: "debian", VersionID: "12"}, []byte(debianCSV))
	want := Claim{Ends: date(t, "2026-07-11"), Extended: date(t, "2028-06-30"), Kind: "LTS", Source: "distro-info"}
	if d := cmp.Diff(want, got); !ok || d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, version := range []string{"", "14", "sid"} {
		if _, ok := DistroInfo(OS{ID: "debian", VersionID: version}, []byte(debianCSV)); ok {
			t.Errorf("version %q is found", version)
		}
	}
	ubuntu := "version,codename,series,created,release,eol,eol-server,eol-esm\n24.04 LTS,Noble Numbat,noble,2023-10-12,2024-04-25,2029-05-31,2029-05-31,2034-04-25\n"
	if got, ok := DistroInfo(OS{ID: "ubuntu", VersionID: "24.04"}, []byte(ubuntu)); !ok || got.Kind != "Pro" {
		t.Errorf("24.04: %+v", got)
	}
}

// TestTable holds every row: eight columns, dates in order, a source.
func TestTable(t *testing.T) {
	rows := 0
	for i, line := range strings.Split(strings.TrimSuffix(string(builtIn), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		f := strings.Split(line, "\t")
		if len(f) != 8 {
			t.Fatalf("line %d has %d columns", i+1, len(f))
		}
		ends := date(t, f[2])
		if (f[3] == "") != (f[4] == "") || f[3] != "" && !date(t, f[3]).After(ends) {
			t.Errorf("line %d: extended support %q of kind %q does not follow %s", i+1, f[3], f[4], f[2])
		}
		if !strings.HasPrefix(f[5], "https://") {
			t.Errorf("line %d has no source", i+1)
		}
		if got := lifeOf(OS{ID: strings.TrimSuffix(f[0], "-stream"), VersionID: f[1], Name: f[0]}, ends); f[0] != "centos-stream" && got.DaysLeft != 0 {
			t.Errorf("line %d: %d days left on the last day", i+1, got.DaysLeft)
		}
	}
	if rows < 25 {
		t.Errorf("%d rows", rows)
	}
}

func FuzzParseOS(f *testing.F) {
	real, err := os.ReadFile("/etc/os-release")
	if err == nil {
		f.Add(real)
	}
	f.Add([]byte("ID='debian'\nVERSION_ID=\"12\\\"\nSUPPORT_END=2027-05-19\n"))
	f.Add([]byte("ID=\"\nPRETTY_NAME=\"\\\"\n=\n\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := ParseOS(b)
		o.Family()
		l := lifeOf(o, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
		if l.State == "" || l.State == Unknown && l.Reason == "" {
			t.Errorf("%+v has no state or no reason: %+v", o, l)
		}
		if utf8.Valid(b) && !utf8.ValidString(o.PrettyName) && !strings.Contains(string(b), `\`) {
			t.Errorf("%q is made invalid", o.PrettyName)
		}
		DistroInfo(o, b)
	})
}

// TestClockBehind: a host whose clock stands before the table's day is not younger
// than the table.
func TestClockBehind(t *testing.T) {
	now := date(t, "1970-01-02")
	got := Newest(nil, now).LifeOf(OS{ID: "debian", VersionID: "12"}, now)
	if got.State != Extended || got.DaysLeft != -133 {
		t.Errorf("%+v, want it judged on the table's day", got)
	}
}

func TestExtendedConflict(t *testing.T) {
	claim := Claim{Ends: date(t, "2026-07-11"), Extended: date(t, "2029-06-30"), Kind: "LTS", Source: "distro-info"}
	got := lifeOf(OS{ID: "debian", VersionID: "12"}, date(t, "2026-11-21"), claim)
	if !strings.Contains(got.Conflict, "of LTS support") || !strings.Contains(got.Conflict, "2029-06-30") || got.Extended.Format(time.DateOnly) != "2028-06-30" {
		t.Errorf("%+v, want the table's date and a conflict", got)
	}
}

func TestNewest(t *testing.T) {
	now := date(t, "2027-06-01")
	const row = "debian\t14\t2030-06-01\t\t\thttps://x\t\t\n"
	for name, tt := range map[string]struct {
		text string
		used bool
	}{
		"newer":           {"# 2027-05-01\n" + row, true},
		"more columns":    {"# 2027-05-01\n" + strings.TrimSuffix(row, "\n") + "\tmore\n", true},
		"older":           {"# 2026-01-01\n" + row, false},
		"of the future":   {"# 2027-07-01\n" + row, false},
		"no date":         {row, false},
		"empty":           {"# 2027-05-01\n", false},
		"fewer columns":   {"# 2027-05-01\ndebian\t14\t2030-06-01\n", false},
		"no day":          {"# 2027-05-01\ndebian\t14\tsoon\t\t\t\t\t\n", false},
		"no extended day": {"# 2027-05-01\ndebian\t14\t2030-06-01\tsoon\t\t\t\t\n", false},
		"too large":       {"# 2027-05-01\n" + row + strings.Repeat("#\n", maxTable), false},
		"too many":        {"# 2027-05-01\n" + manyRows(), false},
	} {
		table := Newest([]byte(tt.text), now)
		if got := table.LifeOf(OS{ID: "debian", VersionID: "14"}, now).State == Supported; got != tt.used {
			t.Errorf("%s: used %v, want %v", name, got, tt.used)
		}
		if got := table.LifeOf(OS{ID: "debian", VersionID: "13"}, now).State == Supported; got == tt.used {
			t.Errorf("%s: Debian 13 is known: %v", name, got)
		}
	}
}

func manyRows() string {
	var b strings.Builder
	for i := range maxRows + 1 {
		fmt.Fprintf(&b, "d\t%d\t2030-06-01\t\t\t\t\t\n", i)
	}
	return b.String()
}

func TestUpgradeOf(t *testing.T) {
	table := Newest(nil, date(t, "2026-11-21"))
	for _, tt := range []struct{ id, version, name, want, tool string }{
		{"debian", "10", "", "debian 11 by apt full-upgrade with the new release in the sources, as its release notes say, then debian 12, debian 13", "apt"},
		{"debian", "13", "", "", ""},
		{"ubuntu", "20.04", "", "ubuntu 22.04 by do-release-upgrade, then ubuntu 24.04, ubuntu 26.04", "do-release-upgrade"},
		{"ubuntu", "25.10", "", "ubuntu 26.04 by do-release-upgrade", "do-release-upgrade"},
		{"almalinux", "8.10", "", "almalinux 9 by leapp of the ELevate project: leapp preupgrade, then leapp upgrade, then almalinux 10", "leapp"},
		{"rhel", "9.6", "", "rhel 10 by leapp preupgrade, then leapp upgrade", "leapp"},
		{"rocky", "9.5", "", "rocky 10: a new host, there is no supported upgrade in place", ""},
		{"centos", "7", "CentOS Linux", "almalinux 8 by leapp of the ELevate project: leapp preupgrade, then leapp upgrade, then almalinux 9, almalinux 10", "leapp"},
		{"centos", "9", "CentOS Stream", "centos-stream 10 by leapp of the ELevate project: leapp preupgrade, then leapp upgrade", "leapp"},
		{"fedora", "42", "", "fedora 44 by dnf system-upgrade download --releasever=44", "dnf system-upgrade"},
		{"arch", "", "", "", ""},
	} {
		got := table.UpgradeOf(OS{ID: tt.id, VersionID: tt.version, Name: tt.name})
		if got.String() != tt.want || got.Tool != tt.tool {
			t.Errorf("%s %s: %q by %q, want %q", tt.id, tt.version, got, got.Tool, tt.want)
		}
	}
	loop, err := parseTable([]byte("# 2026-11-21\na\t1\t2030-01-01\t\t\t\ta 2\tapt\na\t2\t2030-01-01\t\t\t\ta 1\tapt\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := loop.UpgradeOf(OS{ID: "a", VersionID: "1"}); len(got.Then) > 2 {
		t.Errorf("a loop: %v", got)
	}
}

// TestEveryEndHasAWay: a release that is ended or ending names how to leave it, and
// what it leads to is in the table.
func TestEveryEndHasAWay(t *testing.T) {
	now := date(t, "2026-11-21")
	table := Newest(nil, now)
	for key, r := range table.rows {
		if _, ok := table.rows[r.to]; r.to != "" && !ok {
			t.Errorf("%s leads to %s, which is not in the table", key, r.to)
		}
		if r.Ends.Before(now.AddDate(0, 0, EndingDays)) && r.to == "" {
			t.Errorf("%s is ended and leads nowhere", key)
		}
		if tool, command := way(r.by, r.to); r.to != "" && (command == "" || tool == "" && r.by != "new") {
			t.Errorf("%s: by %q is not understood", key, r.by)
		}
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add(builtIn)
	f.Add([]byte("# 2026-11-21\na\tb\t2030-01-01\t2031-01-01\tk\ts\ta b\tx\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := parseTable(b)
		if err != nil {
			return
		}
		for key := range table.rows {
			id, version, _ := strings.Cut(key, " ")
			o := OS{ID: id, VersionID: version}
			if l := table.LifeOf(o, table.AsOf); l.State == "" {
				t.Errorf("%q has no state", key)
			}
			_ = table.UpgradeOf(o).String()
		}
	})
}

func FuzzDistroInfo(f *testing.F) {
	f.Add([]byte(debianCSV), "12")
	f.Add([]byte("version,eol\n1,\n1\n"), "1")
	f.Fuzz(func(t *testing.T, csv []byte, version string) {
		if c, ok := DistroInfo(OS{VersionID: version}, csv); ok && c.Ends.IsZero() {
			t.Errorf("%+v", c)
		}
	})
}
