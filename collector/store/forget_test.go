package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/erase"
	"seawall/pkg/finding"
)

// TestForget: nothing names the host any more, in any column of any table, and what is
// left is as if it had never been there.
func TestForget(t *testing.T) {
	s, path := openTest(t, Config{})
	a, b := hostID(0), hostID(1)
	key, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []fleet.HostID{b, a, b, a, b} {
		status, before := finding.StatusFail, finding.StatusPass
		if i == 2 || i == 3 {
			status, before = before, status
		}
		c := changed(result("ssh-a", "", status))
		c.Change.Previous = before
		apply(t, s, id, deliver(uint64(i+1), c)...)
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		return errors.Join(
			w.Exec("INSERT INTO triage VALUES (?, 'ssh-a', '', 'x', '', 'x', 1, 0)", key),
			w.Exec("INSERT INTO waiver VALUES ('w', 'ssh-a', '', ?, '', 'x', 'x', 'x', 1, 2, 0, '')", key),
			w.Exec("INSERT INTO host_tag VALUES (?, 'prod')", key),
			w.Exec("INSERT INTO alert_group VALUES (1, ?, 0, 0, 0, 0), (1, 'other', 0, 0, 0, 0)", "host "+string(a)),
			w.Exec("INSERT INTO alert_waiting VALUES (1, 'other', 1, ?)", `{"host": "`+string(a)+`"}`),
			w.Exec("INSERT INTO alert_subject VALUES (1, ?, 0, 0, 0, '')", string(a)),
			w.Exec("INSERT INTO outbox VALUES (1, 'm', 'r', 'alert', 't', 't', 'r', 1, 1, 0, 'waiting', 0, 0, '', ?)", []byte("about "+string(a))),
			w.Exec("UPDATE member SET clone_of = ? WHERE host <> ?", key, key))
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := search(t, s, key, string(a)); len(found) < 10 {
		t.Fatalf("the host is only in %q", found)
	}
	gone, err := s.Forget(t.Context(), a, func(w db.Writer, gone []erase.Count) error {
		return w.Exec("INSERT INTO meta VALUES ('test', ?)", len(gone))
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, c := range gone {
		if c.Rows > 0 {
			got[c.Table] = c.Rows
		}
	}
	want := map[string]int64{"host": 1, "position": 1, "state": 1, "event": 4, "member": 1, "life": 1, "triage": 1, "waiver": 1, "host_tag": 1, "gap": 2,
		"alert_group": 1, "alert_waiting": 1, "alert_subject": 1, "outbox": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if found := search(t, s, key, string(a)); len(found) > 0 {
		t.Errorf("the host is left in %q", found)
	}
	if err := s.Apply(t.Context(), a, deliver(9, changed(result("ssh-a", "", finding.StatusFail))), nil); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("what it sends is taken: %v", err)
	}
	if _, err := s.Forget(t.Context(), a, nil); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("forgotten twice: %v", err)
	}
	apply(t, s, b, deliver(10, changed(result("ssh-a", "", finding.StatusPass)))...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remains(t, reopen(t, path, Config{}), b)
}

// remains checks what there is when host b alone told of the check ssh-a four times.
func remains(t *testing.T, s *Store, b fleet.HostID) {
	t.Helper()
	for _, q := range []fleet.TimelineQuery{{Check: "ssh-a"}, {Host: b, Check: "ssh-a"}} {
		if events := timeline(t, s, q); len(events) != 4 || events[0].ID <= 5 {
			t.Errorf("%+v: %d events, the newest %d", q, len(events), events[0].ID)
		}
	}
	o, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Days) == 0 || o.Days[len(o.Days)-1].Counts != (fleet.Counts{Pass: 1}) {
		t.Errorf("days %+v", o.Days)
	}
	c, err := s.Check(t.Context(), "ssh-a")
	if err != nil || c.Check.Counts != (fleet.Counts{Pass: 1}) || c.Check.Hosts != 0 {
		t.Errorf("check %+v, %v", c.Check, err)
	}
}

// TestForgetFails: what record refuses does not happen.
func TestForgetFails(t *testing.T) {
	s, _ := openTest(t, Config{})
	apply(t, s, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	sorry := errors.New("no")
	if _, err := s.Forget(t.Context(), hostID(0), func(db.Writer, []erase.Count) error { return sorry }); !errors.Is(err, sorry) {
		t.Error(err)
	}
	if d := detail(t, s, hostID(0)); d.Host.Counts.Fail != 1 || len(d.States) != 1 {
		t.Errorf("the host is %+v", d)
	}
	apply(t, s, hostID(0), deliver(2, changed(result("ssh-a", "", finding.StatusPass)))...)
	if d := detail(t, s, hostID(0)); d.Host.Counts != (fleet.Counts{Pass: 1}) {
		t.Errorf("the host is %+v", d)
	}
}

// search returns each column of each table in which a host's key or id is.
func search(t *testing.T, s *Store, key []byte, id string) (found []string) {
	t.Helper()
	err := s.Read(t.Context(), func(q db.Querier) error {
		var tables []string
		err := db.Each(t.Context(), q, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			tables = append(tables, name)
			return err
		}, tablesQuery())
		for _, name := range tables {
			if err != nil {
				return err
			}
			rows, problem := q.QueryContext(t.Context(), "SELECT * FROM "+name)
			if problem != nil {
				return problem
			}
			columns, problem := rows.Columns()
			err = errors.Join(problem, func() error {
				defer rows.Close()
				for rows.Next() {
					values := make([]any, len(columns))
					for i := range values {
						values[i] = new(any)
					}
					if err := rows.Scan(values...); err != nil {
						return err
					}
					for i, v := range values {
						text := fmt.Sprint(*v.(*any))
						if raw, ok := (*v.(*any)).([]byte); ok {
							text = string(raw)
						}
						if bytes.Contains([]byte(text), key) || strings.Contains(text, id) {
							found = append(found, name+"."+columns[i])
						}
					}
				}
				return rows.Err()
			}())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
