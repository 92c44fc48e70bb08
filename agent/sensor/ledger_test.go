package sensor

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// tape is a spool in memory that can be full.
type tape struct {
	full    bool
	records []wire.Record
}

var errFull = errors.New("no space left on device")

func (tp *tape) append(_ string, payload []byte) error {
	if tp.full {
		return errFull
	}
	r, err := wire.Decode(payload)
	if err != nil {
		return fmt.Errorf("decode what was appended: %w", err)
	}
	tp.records = append(tp.records, r)
	return nil
}

// changes returns what was appended since the last call, one word a change.
func (tp *tape) changes() []string {
	var words []string
	for _, r := range tp.records {
		switch c := r.Change; {
		case c == nil:
		case c.Removed:
			words = append(words, fmt.Sprintf("-%s/%s", c.Result.Check, c.Result.Resource))
		default:
			words = append(words, fmt.Sprintf("%s/%s %v→%v", c.Result.Check, c.Result.Resource, c.Previous, c.Result.Status))
		}
	}
	tp.records = nil
	return words
}

func result(check, resource string, status finding.Status, actual string) finding.Result {
	return finding.Result{Check: check, Resource: resource, Status: status, Severity: finding.SeverityHigh,
		Actual: actual, Expected: "no", Time: time.Unix(1_800_000_000, 0).UTC()}
}

func nobody(*finding.Result) *finding.Cause { return nil }

func TestLedgerTellsOnlyWhatDiffers(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var tp tape
	l := newLedger(tp.append)
	l.replace([]finding.Result{
		result("ssh-root", "", finding.StatusPass, "no"),
		result("patch", "openssl:amd64", finding.StatusFail, "1"),
		result("patch", "zlib:amd64", finding.StatusFail, "1"),
	})

	steps := []struct {
		name    string
		checks  []string
		results []finding.Result
		want    []string
	}{
		{"the same", []string{"ssh-root"}, []finding.Result{result("ssh-root", "", finding.StatusPass, "no")}, nil},
		{"a check that was not evaluated keeps its results", []string{"ssh-root"},
			[]finding.Result{result("ssh-root", "", finding.StatusFail, "yes")}, []string{"ssh-root/ pass→fail"}},
		{"another actual value", []string{"ssh-root"},
			[]finding.Result{result("ssh-root", "", finding.StatusFail, "prohibit-password")}, []string{"ssh-root/ fail→fail"}},
		{"one resource gone, one new", []string{"patch"},
			[]finding.Result{result("patch", "openssl:amd64", finding.StatusFail, "1"), result("patch", "bash:amd64", finding.StatusFail, "5")},
			[]string{"patch/bash:amd64 unspecified→fail", "-patch/zlib:amd64"}},
		{"nobody can say", []string{"patch"}, []finding.Result{result("patch", "", finding.StatusUnknown, "no lists")},
			[]string{"patch/ unspecified→unknown"}},
		{"nor now", []string{"patch"}, []finding.Result{result("patch", "", finding.StatusError, "damaged")}, []string{"patch/ unknown→error"}},
		{"known again, one gone meanwhile", []string{"patch"}, []finding.Result{result("patch", "openssl:amd64", finding.StatusFail, "1")},
			[]string{"-patch/bash:amd64", "-patch/"}},
		{"all gone", []string{"patch"}, []finding.Result{result("patch", "", finding.StatusPass, "0")},
			[]string{"patch/ unspecified→pass", "-patch/openssl:amd64"}},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			if err := l.update(now, s.checks, s.results, nobody); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.want, tp.changes()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLedgerSpeaks: what could not be evaluated at the start, and can be now, is told
// once more with the whole state.
func TestLedgerSpeaks(t *testing.T) {
	l := newLedger(new(tape).append)
	unknown, known := result("patch", "", finding.StatusUnknown, "no lists"), result("patch", "zlib", finding.StatusFail, "1")
	other := result("restart", "", finding.StatusError, "no /proc")
	l.replace([]finding.Result{unknown, other, result("ssh-root", "", finding.StatusPass, "no")})
	both := []string{"patch", "restart"}
	for i, step := range []struct {
		results []finding.Result
		want    bool
	}{
		{[]finding.Result{unknown, other}, false},
		{[]finding.Result{known, unknown, other}, false}, // a part is not the whole
		{[]finding.Result{known, other}, true}, {[]finding.Result{known, other}, false}, {[]finding.Result{unknown, other}, false},
		{[]finding.Result{known}, true},
	} {
		if got := l.speaks(both, step.results); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestLedgerKeepsWhatTheSpoolRefused(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var tp tape
	l := newLedger(tp.append)
	l.replace([]finding.Result{result("a", "", finding.StatusPass, "1"), result("b", "x", finding.StatusFail, "1")})
	checks := []string{"a", "b"}
	bad := []finding.Result{result("a", "", finding.StatusFail, "2")}

	tp.full = true
	if err := l.update(now, checks, bad, nobody); !errors.Is(err, errFull) {
		t.Fatalf("update with a full spool: %v", err)
	}
	if err := l.state(now); !errors.Is(err, errFull) {
		t.Fatalf("state with a full spool: %v", err)
	}
	if n := len(tp.records); n != 0 || l.changes != 0 {
		t.Fatalf("%d records, %d changes counted with a full spool", n, l.changes)
	}
	tp.full = false
	if err := l.update(now, checks, bad, nobody); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/ pass→fail", "-b/x"}, tp.changes()); diff != "" {
		t.Error(diff)
	}
}

func TestLedgerState(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var tp tape
	l := newLedger(tp.append)
	var all []finding.Result
	for i := range 2000 {
		all = append(all, result("patch", fmt.Sprintf("package-%d:amd64", i), finding.StatusFail, "1"))
	}
	l.replace(all)
	if err := l.state(now); err != nil {
		t.Fatal(err)
	}
	var got []finding.Result
	for i, r := range tp.records {
		p := r.State
		if p == nil || int(p.Part) != i || int(p.Parts) != len(tp.records) || p.Total != 2000 || p.ID != tp.records[0].State.ID {
			t.Fatalf("part %d: %+v", i, p)
		}
		if p.Digest != finding.Digest(all) {
			t.Fatalf("part %d has another digest than the state", i)
		}
		got = append(got, p.Results...)
	}
	if len(tp.records) < 2 {
		t.Errorf("2,000 results in %d part", len(tp.records))
	}
	slices.SortFunc(all, finding.Compare)
	if diff := cmp.Diff(all, got); diff != "" {
		t.Error(diff)
	}
}
