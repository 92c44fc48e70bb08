package privacy

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/views"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

const host = fleet.HostID("01010101010101010101010101010101")

func open(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.SaveMember(t.Context(), fleet.Member{Host: host, Key: fleet.KeyHash{1}, Standing: fleet.Active}); err != nil {
		t.Fatal(err)
	}
	return s
}

// tell has the host tell of something.
func tell(t *testing.T, s *store.Store, seq uint64, r finding.Record) {
	t.Helper()
	r.Time = noon
	if err := s.Apply(t.Context(), host, []fleet.Delivery{{Lane: "posture", Epoch: 1, Sequence: seq, Record: r}}, nil); err != nil {
		t.Fatal(err)
	}
}

func result(check, resource, actual string) finding.Result {
	return finding.Result{Check: check, Resource: resource, Status: finding.StatusFail, Severity: 3, Actual: actual, Time: noon,
		Evidence: []finding.Evidence{{File: "/home/mara/.ssh/config", Line: 3, Text: "User mara"}},
		Cause:    &finding.Cause{LoginUser: "mara", User: "root", Command: "vi /home/mara/x marathon", Path: "/etc/passwd", Time: noon}}
}

// TestUser: a name is gone from all that was told and written, words that only begin
// with it stay, and what is about the name itself is counted.
func testUser(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	tell(t, s, 1, finding.Record{Change: &finding.Change{Result: result("ssh-a", "", "mara may log in; marathon, tamara and mara-2 stay")}})
	tell(t, s, 2, finding.Record{Change: &finding.Change{Result: result("accounts-b", "mara", "x")}})
	tell(t, s, 3, finding.Record{Detection: &finding.Detection{ID: "1", Rule: "r", Title: "t", Severity: 3, Count: 1, First: noon, Last: noon,
		Samples: []finding.Sample{{Time: noon, Actor: finding.Actor{Login: "mara", User: "mara", Text: "mara by sudo"}, Command: "cat ~mara/x",
			Ancestry: []finding.Process{{PID: 1, Exe: "/bin/sh", Command: "sh -c 'su mara'"}}, Records: []string{`acct="mara"`}}}}})
	err := s.Write(t.Context(), func(w db.Writer) error {
		return errors.Join(
			w.Exec("INSERT INTO triage VALUES (?, 'ssh-a', '', 'mara', 'ask mara', 'ann', 1, 0)", []byte{1}),
			w.Exec("INSERT INTO waiver VALUES ('w', 'ssh-a', '', ?, '', 'mara', 'mara leaves', 'ann', 1, 2, 0, '')", []byte{}),
			w.Exec("INSERT INTO alert_subject VALUES (1, 's', 0, 0, 0, ?)", `{"who": "mara"}`),
			w.Exec("INSERT INTO outbox VALUES (1, 'm', 'r', 'alert', 't', 'mara did it', 'r', 1, 1, 0, 'waiting', 0, 0, '', ?)", []byte(`"mara"`)),
			w.Exec("INSERT INTO once VALUES (?, 't', ?, 1, 201, '/x', '{\"owner\":\"mara\"}')", []byte{1}, []byte{1}),
			w.Exec("INSERT INTO saved_view VALUES ('a', 'ann', 'hosts of mara', 'order=reverse&q=%2Fmara+marathon', 1, 1), ('b', 'mara', 'own', 'q=x', 1, 1), ('c', 'ann', 'x', 'q=tamara', 0, 1)"))
	})
	if err != nil {
		t.Fatal(err)
	}
	var told Report
	r, err := User(t.Context(), s, "mara", func(w db.Writer, r Report) error {
		told = r
		return w.Exec("INSERT INTO meta VALUES ('test', 1)")
	})
	if err != nil {
		t.Fatal(err)
	}
	// The second result stands about the name itself.
	want := Report{Looked: 19, Changed: 14, Words: r.Words, Views: 1, Standing: 1}
	if diff := cmp.Diff(want, r); diff != "" || r.Words < 20 || told != r {
		t.Errorf("%d words, told %+v, (- want, + got):\n%s", r.Words, told, diff)
	}
	d, err := s.Host(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range d.States {
		if state.Result.Check != "ssh-a" {
			continue
		}
		want := result("ssh-a", "", "[forgotten] may log in; marathon, tamara and mara-2 stay")
		want.Evidence[0] = finding.Evidence{File: "/home/[forgotten]/.ssh/config", Line: 3, Text: "User [forgotten]"}
		want.Cause.LoginUser, want.Cause.Command = Forgotten, "vi /home/[forgotten]/x marathon"
		if diff := cmp.Diff(want, state.Result); diff != "" {
			t.Errorf("the standing result (- want, + got):\n%s", diff)
		}
	}
	detections, err := s.Detections(t.Context(), fleet.DetectionQuery{})
	if err != nil || len(detections) != 1 {
		t.Fatalf("%d detections, %v", len(detections), err)
	}
	sample := detections[0].Detection.Samples[0]
	if sample.Actor.Login != Forgotten || sample.Ancestry[0].Command != "sh -c 'su [forgotten]'" || sample.Records[0] != `acct="[forgotten]"` {
		t.Errorf("the detection's sample is %+v", sample)
	}
	all, err := views.Of(t.Context(), s, "ann")
	if err != nil || len(all) != 2 || all[0].Name != "hosts of [forgotten]" || all[0].Query != "order=reverse&q=%2F%5Bforgotten%5D+marathon" || all[1].Query != "q=tamara" {
		t.Errorf("views %+v, %v", all, err)
	}
	if text := r.Detail(); !strings.HasSuffix(text, "; 1 saved views removed") || strings.Contains(text, "mara") {
		t.Errorf("the trail has %q", text)
	}
	again, err := User(t.Context(), s, "mara", func(db.Writer, Report) error { return nil })
	if err != nil || again.Changed != 0 || again.Looked != r.Looked-2 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// TestUserOfMany: more rows than are changed at once.
func testUserOfMany(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	body, err := wire.Encode(wire.Record{Time: noon, Change: &finding.Change{Result: result("ssh-a", "", "mara")}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		for i := range 2*atOnce + 1 {
			if err := w.Exec("INSERT INTO event (id, host, lane, epoch, seq, received, check_id, body) VALUES (?, ?, 'posture', 1, ?, 1, 'ssh-a', ?)",
				i+1, []byte{1}, i+1, body); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := User(t.Context(), s, "mara", func(db.Writer, Report) error { return nil })
	if err != nil || r.Changed != 2*atOnce+1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{"mara": true, "mara.m": true, "m": false, "": false, "root": false, "a b": false, "%": false,
		"x'": false, strings.Repeat("a", 65): false, "m@example.com": true, "a\x00b": false} {
		if err := CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := User(t.Context(), nil, "x", nil); err == nil {
		t.Error("a name of one letter was looked for")
	}
}

// TestCollected: of each message somebody has said what it is, and of each text whom it
// can name.
func TestCollected(t *testing.T) {
	known := whom()
	fields := 0
	for _, g := range Collected() {
		if g.About == "" {
			t.Errorf("nobody has said what %s is", g.Name)
		}
		for _, f := range g.Fields {
			fields++
			if _, ok := known[g.Name+"."+f.Name]; !ok && strings.HasPrefix(f.Kind, "text") {
				t.Errorf("nobody has said whom %s.%s can name", g.Name, f.Name)
			}
			delete(known, g.Name+"."+f.Name)
		}
	}
	if len(known) > 0 || fields < 100 {
		t.Errorf("%d fields; not in the schema: %v", fields, known)
	}
}

func FuzzWithout(f *testing.F) {
	f.Add("mara and tamara", "mara")
	f.Add("mamama ma", "ma")
	f.Add("a.b-a.b a.b", "a.b")
	f.Add("a.a.", "a.")
	f.Add("a.a.a@a", "a.a")
	f.Fuzz(func(t *testing.T, text, name string) {
		if CheckName(name) != nil || strings.Contains(Forgotten, name) {
			t.Skip()
		}
		clean, n := without(text, name)
		if again, more := without(clean, name); more > 0 || again != clean {
			t.Errorf("%q without %q is %q, and once more %q", text, name, clean, again)
		}
		if n == 0 && clean != text {
			t.Errorf("%q became %q, and nothing was found", text, clean)
		}
	})
}

// TestStores runs the tests of what is kept on both kinds of database.
func TestStores(t *testing.T) {
	server := pgtest.Start(t)
	for kind, database := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "collector.db") },
		"postgres": func(testing.TB) string { return server.New() },
	} {
		for name, test := range map[string]func(*testing.T, func(testing.TB) string){
			"User":       testUser,
			"UserOfMany": testUserOfMany,
		} {
			t.Run(kind+"/"+name, func(t *testing.T) { test(t, database) })
		}
	}
}
