package distro

import (
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
		got := LifeOf(OS{ID: tt.id, VersionID: tt.version}, date(t, tt.day).Add(15*time.Hour))
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
	if got := LifeOf(OS{ID: "centos", VersionID: "9", Name: "CentOS Stream"}, now); got.State != Supported {
		t.Errorf("CentOS Stream 9: %+v", got)
	}
	if got := LifeOf(OS{ID: "centos", VersionID: "8", Name: "CentOS Linux"}, now); got.Ends.Format(time.DateOnly) != "2021-12-31" {
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
		got := LifeOf(tt.os, tt.now)
		if got.State != Unknown || !strings.Contains(got.Reason, tt.reason) || !got.Ends.IsZero() {
			t.Errorf("%+v: %+v, want unknown with %q", tt.os, got, tt.reason)
		}
	}
}

func TestOtherSources(t *testing.T) {
	now := date(t, "2026-11-21")
	fedora := OS{ID: "fedora", VersionID: "44", SupportEnd: "2027-05-19"}
	if got := LifeOf(fedora, now); got.Ends.Format(time.DateOnly) != "2027-06-02" || got.Conflict != "" {
		t.Errorf("sources two weeks apart: %+v, want the later and no conflict", got)
	}
	fedora.SupportEnd = "2027-06-20"
	if got := LifeOf(fedora, now); got.Ends.Format(time.DateOnly) != "2027-06-19" || !strings.Contains(got.Source, "SUPPORT_END") {
		t.Errorf("SUPPORT_END is later: %+v, want the day before it", got)
	}
	fedora.SupportEnd = "2029-01-01"
	if got := LifeOf(fedora, now); got.Ends.Format(time.DateOnly) != "2027-06-02" || !strings.Contains(got.Conflict, "2028-12-31") {
		t.Errorf("sources far apart: %+v, want the table's date and a conflict", got)
	}
	if got := LifeOf(OS{ID: "nobara", VersionID: "44", SupportEnd: "2027-05-19"}, now); got.State != Supported || got.Ends.Format(time.DateOnly) != "2027-05-18" {
		t.Errorf("not in the table: %+v, want its own SUPPORT_END", got)
	}
	late := date(t, "2030-01-01")
	claim := Claim{Ends: date(t, "2030-08-01"), Extended: date(t, "2032-01-01"), Kind: "LTS", Source: "distro-info"}
	if got := LifeOf(OS{ID: "debian", VersionID: "13"}, late, claim); got.State != Supported || got.Source != "distro-info" {
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

// TestTable holds every row: six columns, dates in order, a source.
func TestTable(t *testing.T) {
	rows := 0
	for i, line := range strings.Split(strings.TrimSuffix(table, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			t.Fatalf("line %d has %d columns", i+1, len(f))
		}
		ends := date(t, f[2])
		if (f[3] == "") != (f[4] == "") || f[3] != "" && !date(t, f[3]).After(ends) {
			t.Errorf("line %d: extended support %q of kind %q does not follow %s", i+1, f[3], f[4], f[2])
		}
		if !strings.HasPrefix(f[5], "https://") {
			t.Errorf("line %d has no source", i+1)
		}
		if got := LifeOf(OS{ID: strings.TrimSuffix(f[0], "-stream"), VersionID: f[1], Name: f[0]}, ends); f[0] != "centos-stream" && got.DaysLeft != 0 {
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
		l := LifeOf(o, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
		if l.State == "" || l.State == Unknown && l.Reason == "" {
			t.Errorf("%+v has no state or no reason: %+v", o, l)
		}
		if utf8.Valid(b) && !utf8.ValidString(o.PrettyName) && !strings.Contains(string(b), `\`) {
			t.Errorf("%q is made invalid", o.PrettyName)
		}
		DistroInfo(o, b)
	})
}
