package session

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seawall/collector/account"
	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/web/role"
	"seawall/scripts/pgtest"
)

// office is a database with the accounts ann (operator of prod) and bob, and two
// dashboards on it.
type office struct {
	c        *clock
	data     *store.Store
	accounts *account.Accounts
	a, b     *Store
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{c: &clock{time.Unix(1_800_000_000, 0)}}
	var err error
	o.data, err = store.Open(t.Context(), newName(t), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.data.Close() })
	o.accounts = account.New(o.data, o.c.now)
	for _, name := range []string{"ann", "bob"} {
		scope := map[string][]string{"ann": {"prod"}}[name]
		if err := o.accounts.Add(t.Context(), "test", name, "a long password", account.Operator, scope); err != nil {
			t.Fatal(err)
		}
	}
	o.a, o.b = o.open(t), o.open(t)
	return o
}

// serverVariable names the server on which the tests make their databases. Without it
// they make files of SQLite.
const serverVariable = "SESSION_TEST_SERVER"

// TestOnPostgres runs the other tests of this package once more, on PostgreSQL.
func TestOnPostgres(t *testing.T) {
	server := pgtest.Start(t)
	cmd := exec.Command(os.Args[0], "-test.run=^(TestElsewhere|TestAccountChanges|TestMadeAnew|TestBounds|TestList|TestDatabaseIsAway)$", "-test.count=1")
	cmd.Env = append(os.Environ(), serverVariable+"="+server.URL("postgres"))
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

// newName is the name of a store that is not there yet.
func newName(t *testing.T) string {
	t.Helper()
	server := os.Getenv(serverVariable)
	if server == "" {
		return filepath.Join(t.TempDir(), "x.db")
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	name := fmt.Sprintf("s%d", time.Now().UnixNano())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(server, "/postgres?", "/"+name+"?", 1)
}

func (o *office) open(t *testing.T) *Store {
	t.Helper()
	return made(t, Config{Lifetime: 10 * time.Hour, Idle: time.Hour, Max: 6, Each: 4, Now: o.c.now, Data: o.data, Log: slog.New(slog.DiscardHandler)})
}

// TestElsewhere: who signed in at one collector is known at the other, with its forms and
// its device, and after a restart; who signs out at one is signed out at both.
func TestElsewhere(t *testing.T) {
	o := newOffice(t)
	token := begin(t, o.a, Who{User: "ann", Role: role.Admin}) // the account knows better
	there := o.b.Find(t.Context(), token)
	if there == nil || there.Who().Role != role.Operator || len(there.Who().Scope) != 1 || there.ID() != o.a.Find(t.Context(), token).ID() {
		t.Fatalf("at the other: %+v", there)
	}
	if !o.b.FormValid(token, o.a.Form(token)) || !o.b.DeviceOf("ann", o.a.Device("ann")) {
		t.Error("the other does not know the form or the device")
	}
	if o.open(t).Find(t.Context(), token) == nil {
		t.Error("a restart signs out")
	}
	here := o.a.Find(t.Context(), token)
	end(t, o.b, there)
	sweep(t, o.a)
	if !ended(there) || !ended(here) || o.a.Find(t.Context(), token) != nil || o.b.Find(t.Context(), token) != nil {
		t.Error("a session that was ended at one lives on")
	}
	err := o.data.Read(t.Context(), func(q db.Querier) error {
		var n int
		_, err := db.One(t.Context(), q, "SELECT count(*) FROM session WHERE id = ? OR agent = ?", []any{[]byte(token), token}, &n)
		if n != 0 {
			t.Error("the token is in the database")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAccountChanges: what a user may do changes at both from the next request on, and
// streams that were open end.
func TestAccountChanges(t *testing.T) {
	for what, change := range map[string]func(*testing.T, *office) error{
		"role": func(t *testing.T, o *office) error {
			return o.accounts.SetRole(t.Context(), "test", "ann", account.Viewer, nil)
		},
		"disabled": func(t *testing.T, o *office) error { return o.accounts.Disable(t.Context(), "test", "ann", true) },
		"removed":  func(t *testing.T, o *office) error { return o.accounts.Remove(t.Context(), "test", "ann") },
		"password": func(t *testing.T, o *office) error {
			return o.accounts.SetPassword(t.Context(), "test", "ann", "another password")
		},
	} {
		o := newOffice(t)
		if err := o.accounts.Add(t.Context(), "test", "root", "a long password", account.Admin, nil); err != nil {
			t.Fatal(err)
		}
		token, other := begin(t, o.a, Who{User: "ann"}), begin(t, o.a, Who{User: "bob"})
		stream := o.b.Find(t.Context(), token)
		o.c.t = o.c.t.Add(time.Second)
		if err := change(t, o); err != nil {
			t.Fatal(err)
		}
		sweep(t, o.b)
		found := o.b.Find(t.Context(), token)
		if what == "role" {
			if found == nil || found.Who().Role != role.Viewer || found.Who().Scope != nil {
				t.Errorf("%s: %+v", what, found)
			}
		} else if found != nil {
			t.Errorf("%s: the session lives on", what)
		}
		if !ended(stream) {
			t.Errorf("%s: the stream goes on", what)
		}
		if o.a.Find(t.Context(), other) == nil {
			t.Errorf("%s: another user is signed out", what)
		}
		if _, err := o.b.Start(t.Context(), Who{User: "ann", Role: role.Admin}, From{}); errors.Is(err, fs.ErrPermission) != (what == "disabled" || what == "removed") {
			t.Errorf("%s: another sign-in that was decided before: %v", what, err)
		}
	}
}

// TestMadeAnew: who was removed and made anew is another, who signs in for itself; also
// one who signs in through a provider alone, and so has no password that is newer.
func TestMadeAnew(t *testing.T) {
	o := newOffice(t)
	if err := o.accounts.Add(t.Context(), "test", "root", "a long password", account.Admin, nil); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"", "another password"} {
		token := begin(t, o.a, Who{User: "bob"})
		o.c.t = o.c.t.Add(time.Second)
		if err := o.accounts.Remove(t.Context(), "test", "bob"); err != nil {
			t.Fatal(err)
		}
		if err := o.accounts.Add(t.Context(), "test", "bob", word, account.Operator, nil); err != nil {
			t.Fatal(err)
		}
		if o.b.Find(t.Context(), token) != nil {
			t.Errorf("with the password %q: the session of the user before lives on", word)
		}
		if o.b.Find(t.Context(), begin(t, o.a, Who{User: "bob"})) == nil {
			t.Errorf("with the password %q: the new user cannot sign in", word)
		}
	}
}

// TestBounds: sessions end by time, and make room for others of their user.
func TestBounds(t *testing.T) {
	o := newOffice(t)
	bob := begin(t, o.a, Who{User: "bob"})
	var tokens []string
	for range 6 {
		o.c.t = o.c.t.Add(2 * time.Minute)
		tokens = append(tokens, begin(t, o.b, Who{User: "ann"}))
	}
	if o.a.Find(t.Context(), tokens[1]) != nil || o.a.Find(t.Context(), tokens[2]) == nil || o.a.Find(t.Context(), bob) == nil {
		t.Error("the wrong session made room")
	}
	used, idle := tokens[5], tokens[4]
	for range 9 {
		o.c.t = o.c.t.Add(59 * time.Minute)
		if o.b.Find(t.Context(), used) == nil {
			t.Fatal("a used session ended")
		}
	}
	if o.a.Find(t.Context(), idle) != nil {
		t.Error("an idle session lives on")
	}
	o.c.t = o.c.t.Add(55 * time.Minute)
	o.b.Find(t.Context(), used)
	o.c.t = o.c.t.Add(20 * time.Minute)
	if o.b.Find(t.Context(), used) != nil {
		t.Error("a session outlived its lifetime")
	}
	sweep(t, o.a)
	if all, err := o.a.List(t.Context(), "ann"); err != nil || len(all) != 0 {
		t.Errorf("%d sessions are listed, %v", len(all), err)
	}
}

// TestList: a user sees the own sessions, and ends one of them, but none of another's.
func TestList(t *testing.T) {
	o := newOffice(t)
	one := begin(t, o.a, Who{User: "ann"})
	o.c.t = o.c.t.Add(time.Minute)
	if _, err := o.b.Start(t.Context(), Who{User: "ann"}, From{Agent: strings.Repeat("x\x1b\n", 200)}); err != nil {
		t.Fatal(err)
	}
	bob := begin(t, o.a, Who{User: "bob"})
	all, err := o.b.List(t.Context(), "ann")
	if err != nil || len(all) != 2 || all[1].Agent != "a browser" || all[1].Address != "192.0.2.7" || len(all[0].Agent) > 300 || strings.Contains(all[0].Agent, "\n") {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, id := range []string{o.a.Find(t.Context(), bob).ID(), "", "0000000000000000", all[1].ID} {
		if err := o.b.EndOne(t.Context(), "ann", id); err != nil {
			t.Error(err)
		}
	}
	left, err := o.a.List(t.Context(), "ann")
	if err != nil || len(left) != 1 || left[0].ID != all[0].ID || o.a.Find(t.Context(), one) != nil || o.a.Find(t.Context(), bob) == nil {
		t.Errorf("%+v are left, %v", left, err)
	}
	o.a.EndUser("ann")
	if left, err := o.b.List(t.Context(), "ann"); err != nil || len(left) != 0 {
		t.Errorf("%+v are left, %v", left, err)
	}
}

// TestDatabaseIsAway: who is known stays so for a while, and nobody else is.
func TestDatabaseIsAway(t *testing.T) {
	o := newOffice(t)
	token := begin(t, o.a, Who{User: "ann"})
	if err := o.data.Close(); err != nil {
		t.Fatal(err)
	}
	o.c.t = o.c.t.Add(graceful - time.Second)
	if o.a.Find(t.Context(), token) == nil {
		t.Error("who was known is signed out at once")
	}
	if o.b.Find(t.Context(), token) != nil || o.a.Find(t.Context(), Token()) != nil {
		t.Error("somebody is known whom nobody can know")
	}
	if _, err := o.a.Start(t.Context(), Who{User: "ann"}, From{}); err == nil {
		t.Error("a session begins without the database")
	}
	o.c.t = o.c.t.Add(time.Second)
	if o.a.Find(t.Context(), token) != nil {
		t.Error("who was known stays for ever")
	}
}
