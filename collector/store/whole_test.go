package store

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// whole is a whole state in one part.
func whole(results ...finding.Result) wire.Record {
	return wire.Record{State: &finding.StatePart{Parts: 1, Total: uint32(len(results)),
		Digest: finding.Digest(results), Results: results}}
}

// parts is a whole state in several parts.
func parts(id uint64, results ...finding.Result) []wire.Record {
	var records []wire.Record
	all := wire.SplitState(results, 400)
	for i := range all {
		all[i].ID = id
		records = append(records, wire.Record{State: &all[i]})
	}
	return records
}

func states(d fleet.HostDetail) []finding.Result {
	var out []finding.Result
	for _, s := range d.States {
		out = append(out, s.Result)
	}
	slices.SortFunc(out, finding.Compare)
	return out
}

func many(n int, status finding.Status) []finding.Result {
	var out []finding.Result
	for i := range n {
		out = append(out, result("patch-security-updates", "pkg"+strconv.Itoa(1000+i)+":amd64", status))
	}
	return out
}

func TestWholeStateReplaces(t *testing.T) {
	s, path := openTest(t, Config{})
	a := hostID(0)
	cause := &finding.Cause{Exe: "/bin/sed", Command: "sed -i", AUID: 1000}
	kept := result("ssh-kept", "", finding.StatusFail)
	kept.Cause = cause
	apply(t, s, a, deliver(1, changed(kept), changed(result("ssh-gone", "", finding.StatusFail)))...)

	want := append(many(20, finding.StatusFail), result("ssh-kept", "", finding.StatusFail))
	want[20].Time = want[20].Time.Add(time.Minute)
	records := parts(7, want...)
	if len(records) < 5 {
		t.Fatalf("only %d parts", len(records))
	}
	seq := uint64(3)
	for i, r := range records {
		if d := detail(t, s, a); len(d.States) != 2 {
			t.Fatalf("after %d parts there are %d states", i, len(d.States))
		}
		// Parts outlive the collector.
		if i == 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = reopen(t, path, Config{})
		}
		apply(t, s, a, deliver(seq, r)...)
		seq++
	}
	want[20].Cause = cause
	d := detail(t, s, a)
	slices.SortFunc(want, finding.Compare)
	if diff := cmp.Diff(want, states(d)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if d.Host.Pending != 20 || d.Host.Counts.Fail != 21 || d.Host.BySeverity[finding.SeverityHigh] != 21 {
		t.Errorf("host %+v", d.Host)
	}
	for _, st := range d.States {
		if !st.Since.Equal(kept.Time) {
			t.Errorf("%s fails since %v", st.Result.Check, st.Since)
		}
	}
	if n := count(t, s, "part"); n != 0 {
		t.Errorf("%d parts left", n)
	}
	verifyRollups(t, s)
}

func TestWholeStateRefused(t *testing.T) {
	s, _ := openTest(t, Config{MaxResults: 100})
	a := hostID(0)
	apply(t, s, a, deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	wrong := whole(result("ssh-b", "", finding.StatusPass))
	wrong.State.Digest[0]++
	double := whole(result("ssh-b", "", finding.StatusPass), result("ssh-b", "", finding.StatusPass))
	short := whole(result("ssh-b", "", finding.StatusPass))
	short.State.Total = 2
	large := whole(many(101, finding.StatusFail)...)
	odd := parts(9, many(20, finding.StatusFail)...)[:2]
	odd[1].State.Total++
	apply(t, s, a, deliver(2, wrong, double, short, large, odd[0], odd[1])...)
	d := detail(t, s, a)
	if len(d.States) != 1 || d.Host.Rejected != 5 {
		t.Errorf("%d states, %d rejected", len(d.States), d.Host.Rejected)
	}
	// A newer state drops the parts of one that never became complete.
	apply(t, s, a, deliver(8, parts(10, many(20, finding.StatusFail)...)...)...)
	if d := detail(t, s, a); len(d.States) != 20 || count(t, s, "part") != 0 {
		t.Errorf("%d states, %d parts left", len(d.States), count(t, s, "part"))
	}
	verifyRollups(t, s)
}

func TestPartsAreBounded(t *testing.T) {
	s, _ := openTest(t, Config{})
	big := result("ssh-a", "", finding.StatusFail)
	for range 8 {
		big.Evidence = append(big.Evidence, finding.Evidence{Text: strings.Repeat("x", 4096)})
	}
	for i := range uint32(600) {
		r := big
		r.Resource = strconv.Itoa(int(i))
		p := &finding.StatePart{ID: 1, Part: i, Parts: 1024, Total: 1024, Results: []finding.Result{r}}
		apply(t, s, hostID(0), deliver(uint64(i+1), wire.Record{State: p})...)
	}
	var size int
	if err := s.data.Readers.QueryRowContext(t.Context(), "SELECT sum(length(body)) FROM part").Scan(&size); err != nil {
		t.Fatal(err)
	}
	if size > 16<<20 || detail(t, s, hostID(0)).Host.Rejected == 0 {
		t.Errorf("%d bytes of parts are kept", size)
	}
}

func pack(digest byte, checks ...finding.CheckInfo) wire.Record {
	return wire.Record{Pack: &finding.Pack{Digest: [32]byte{digest}, Checks: checks}}
}

// TestTextsCannotBeForged has one host of three send other texts for the same ids.
func TestTextsCannotBeForged(t *testing.T) {
	s, _ := openTest(t, Config{})
	honest := finding.CheckInfo{ID: "ssh-a", Family: "ssh", Title: "honest", References: []string{"CIS 5.2.1"}}
	forged := honest
	forged.Title = "run curl | sh"
	for i, info := range []finding.CheckInfo{forged, honest, honest} {
		apply(t, s, hostID(i), deliver(1, pack(1, info), changed(result("ssh-a", "", finding.StatusFail)))...)
	}
	for i, want := range []string{"run curl | sh", "honest", "honest"} {
		if got := detail(t, s, hostID(i)).Checks["ssh-a"].Title; got != want {
			t.Errorf("host %d shows %q, want %q", i, got, want)
		}
	}
	c, err := s.Check(t.Context(), "ssh-a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(honest, c.Check.Info); diff != "" || c.Check.Hosts != 3 {
		t.Errorf("on %d hosts, text (-want +got):\n%s", c.Check.Hosts, diff)
	}
	// The forger changes its mind; its old text is gone.
	apply(t, s, hostID(0), deliver(3, pack(2, honest))...)
	if n := count(t, s, "info"); n != 1 {
		t.Errorf("%d texts, want 1", n)
	}
}

func TestChecksWithoutText(t *testing.T) {
	s, _ := openTest(t, Config{})
	apply(t, s, hostID(0), deliver(1, changed(result("audit-enabled", "", finding.StatusFail)))...)
	checks, err := s.Checks(t.Context())
	if err != nil || len(checks) != 1 || checks[0].Info.Family != "audit" || checks[0].Info.Title != "audit-enabled" {
		t.Errorf("checks %+v, %v", checks, err)
	}
	if info := detail(t, s, hostID(0)).Checks["audit-enabled"]; info.ID != "audit-enabled" {
		t.Errorf("text %+v", info)
	}
	if _, err := s.Check(t.Context(), "no-such"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unknown check: %v", err)
	}
	if _, err := s.Host(t.Context(), hostID(5)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unknown host: %v", err)
	}
	if _, err := s.Host(t.Context(), "'; DROP TABLE host"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("host of a wrong form: %v", err)
	}
}
