// Package advice keeps which advisories and CVEs are pending on which hosts: the table
// advisory, made of what stands in the table state. It has a row for each name in the
// evidence of each pending security update, so that people find the hosts by the name.
// The table advised has a row for each name and host: lists count its rows, and stay
// fast with 10,000 hosts.
//
// The table advisory_waiting has the hosts whose updates stood before there was that
// table. [Catch] reads them, a few at a time, until none is left.
package advice

import (
	"errors"
	"fmt"

	"seawall/collector/advisory"
	"seawall/collector/db"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// maxPending bounds the updates of a host whose names are kept. A host that has more
// says what cannot be: its updates are kept, and found by package alone.
const maxPending = 2000

// Standing is what stands for a result.
type Standing struct {
	Severity finding.Severity
	Since    int64 // nanoseconds since 1970
	Pending  int   // updates of the host
}

// Forget deletes the names of a result that no longer stands.
func Forget(w db.Writer, host []byte, resource string) error {
	return replace(w, host, resource, nil, Standing{})
}

// Write replaces the names of a result that stands.
func Write(w db.Writer, host []byte, r *finding.Result, s Standing) error {
	if s.Pending > maxPending {
		return Forget(w, host, r.Resource)
	}
	return replace(w, host, r.Resource, advisory.Names(r), s)
}

// replace writes the names of a result, and puts together anew what the host has of each
// that is or was among them.
func replace(w db.Writer, host []byte, resource string, names []advisory.Name, s Standing) error {
	old := make(map[advisory.Name]bool)
	err := w.Rows("SELECT kind, name FROM advisory WHERE host = ? AND resource = ?", []any{host, resource}, func(scan func(...any) error) error {
		var n advisory.Name
		err := scan(&n.Kind, &n.Text)
		old[n] = true
		return err
	})
	if err == nil && len(old) > 0 {
		err = w.Exec("DELETE FROM advisory WHERE host = ? AND resource = ?", host, resource)
	}
	for _, n := range names {
		if err != nil {
			break
		}
		delete(old, n)
		err = errors.Join(w.Exec("INSERT INTO advisory (kind, name, host, resource, severity, since) VALUES (?, ?, ?, ?, ?, ?)",
			int(n.Kind), n.Text, host, resource, s.Severity, s.Since), together(w, host, n))
	}
	for n := range old {
		if err != nil {
			break
		}
		err = together(w, host, n)
	}
	if err != nil {
		return fmt.Errorf("keep advisories: %w", err)
	}
	return nil
}

// together writes what a host has of a name.
func together(w db.Writer, host []byte, n advisory.Name) error {
	return errors.Join(w.Exec("DELETE FROM advised WHERE kind = ? AND name = ? AND host = ?", int(n.Kind), n.Text, host),
		w.Exec(`INSERT INTO advised (kind, name, host, packages, severity, since) SELECT kind, name, host, count(*), max(severity), min(since)
			FROM advisory WHERE kind = ? AND name = ? AND host = ? GROUP BY kind, name, host`, int(n.Kind), n.Text, host))
}

// Catch reads the updates of so many hosts that wait, and reports whether more do.
func Catch(w db.Writer, hosts int) (more bool, err error) {
	var keys [][]byte
	err = w.Rows("SELECT host FROM advisory_waiting ORDER BY host LIMIT ?", []any{hosts}, func(scan func(...any) error) error {
		var key []byte
		err := scan(&key)
		keys = append(keys, key)
		return err
	})
	for _, key := range keys {
		if err == nil {
			err = read(w, key)
		}
		if err == nil {
			err = w.Exec("DELETE FROM advisory_waiting WHERE host = ?", key)
		}
	}
	if err != nil {
		return false, fmt.Errorf("read advisories of hosts that wait: %w", err)
	}
	return len(keys) == hosts, nil
}

// read writes the names of all that is pending on a host.
func read(w db.Writer, key []byte) error {
	type row struct {
		result finding.Result
		Standing
	}
	var all []row
	err := w.Rows("SELECT severity, since, body FROM state WHERE host = ? AND check_id = ? AND status = ? LIMIT ?",
		[]any{key, advisory.Check, finding.StatusFail, maxPending}, func(scan func(...any) error) error {
			var r row
			var body []byte
			if err := scan(&r.Severity, &r.Since, &body); err != nil {
				return err
			}
			// A damaged row names nothing, until the host says it anew.
			if record, err := wire.Decode(body); err == nil && record.Change != nil {
				r.result = record.Change.Result
				all = append(all, r)
			}
			return nil
		})
	for i := range all {
		if err == nil {
			err = Write(w, key, &all[i].result, all[i].Standing)
		}
	}
	return err
}
