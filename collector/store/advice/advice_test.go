package advice

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/advisory"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

func open(t *testing.T) *sqlite.Writer {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	return d.Writer
}

// kept returns what is kept of each name, of each host together and of each package.
func kept(t *testing.T, w *sqlite.Writer) (all []string) {
	t.Helper()
	for _, query := range []string{
		"SELECT name || ' ' || hex(host) || ' ' || packages || ' packages, severity ' || severity || ', since ' || since FROM advised ORDER BY name, host",
		"SELECT name || ' ' || hex(host) || ' ' || resource || ', severity ' || severity || ', since ' || since FROM advisory ORDER BY name, host, resource",
	} {
		err := w.Rows(query, nil, func(scan func(...any) error) error {
			var line string
			err := scan(&line)
			all = append(all, line)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func update(resource, line string) *finding.Result {
	return &finding.Result{Check: advisory.Check, Resource: resource, Status: finding.StatusFail, Severity: finding.SeverityHigh,
		Evidence: []finding.Evidence{{Text: line}}}
}

// TestWrite: of each name there is together what its packages have, whatever comes and goes.
func TestWrite(t *testing.T) {
	w, a, b := open(t), []byte{0xa}, []byte{0xb}
	write := func(host []byte, r *finding.Result, severity finding.Severity, since int64, pending int) {
		t.Helper()
		if err := Write(w, host, r, Standing{severity, since, pending}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(step string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, kept(t, w)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	write(a, update("x", "DSA-1-1"), finding.SeverityLow, 20, 2)
	write(a, update("y", "DSA-1-1"), finding.SeverityHigh, 10, 2)
	write(b, update("x", "DSA-1-1"), finding.SeverityMedium, 30, 1)
	check("three updates",
		"DSA-1-1 0A 2 packages, severity 4, since 10", "DSA-1-1 0B 1 packages, severity 3, since 30",
		"DSA-1-1 0A x, severity 2, since 20", "DSA-1-1 0A y, severity 4, since 10", "DSA-1-1 0B x, severity 3, since 30")
	write(a, update("y", "DSA-2-1"), finding.SeverityHigh, 40, 2)
	check("another name",
		"DSA-1-1 0A 1 packages, severity 2, since 20", "DSA-1-1 0B 1 packages, severity 3, since 30", "DSA-2-1 0A 1 packages, severity 4, since 40",
		"DSA-1-1 0A x, severity 2, since 20", "DSA-1-1 0B x, severity 3, since 30", "DSA-2-1 0A y, severity 4, since 40")
	for range 2 { // nothing to forget is nothing wrong
		if err := Forget(w, a, "x"); err != nil {
			t.Fatal(err)
		}
	}
	write(a, update("y", "DSA-2-1"), finding.SeverityHigh, 40, maxPending+1)
	check("a host with more than can be", "DSA-1-1 0B 1 packages, severity 3, since 30", "DSA-1-1 0B x, severity 3, since 30")
}

// TestCatch: hosts are read a few at a time, and a damaged row keeps nobody.
func TestCatch(t *testing.T) {
	w := open(t)
	body := func(r *finding.Result) []byte {
		data, err := wire.Encode(wire.Record{Change: &finding.Change{Result: *r}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	insert := func(host byte, resource string, status finding.Status, body []byte) {
		t.Helper()
		if err := w.Exec("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?)", []byte{host}, advisory.Check, resource, status, finding.SeverityHigh, 7, body); err != nil {
			t.Fatal(err)
		}
	}
	insert(1, "x", finding.StatusFail, []byte("damaged"))
	insert(1, "y", finding.StatusFail, body(update("y", "DSA-1-1")))
	insert(1, "z", finding.StatusPass, body(update("z", "DSA-3-1")))
	insert(2, "x", finding.StatusFail, body(update("x", "DSA-2-1")))
	insert(3, "x", finding.StatusFail, body(update("x", "DSA-4-1")))
	if err := w.Exec("INSERT INTO advisory_waiting VALUES (x'01'), (x'02'), (x'05')"); err != nil {
		t.Fatal(err)
	}
	var steps []bool
	for range 2 {
		more, err := Catch(w, 2)
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, more)
	}
	if !slices.Equal(steps, []bool{true, false}) {
		t.Errorf("more: %v", steps)
	}
	want := []string{"DSA-1-1 01 1 packages, severity 4, since 7", "DSA-2-1 02 1 packages, severity 4, since 7",
		"DSA-1-1 01 y, severity 4, since 7", "DSA-2-1 02 x, severity 4, since 7"}
	if diff := cmp.Diff(want, kept(t, w)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
