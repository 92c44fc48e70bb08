package membership

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/collector/fleet"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/collector/trail"
	"seawall/pkg/finding"
)

var now = time.Date(2027, 3, 31, 12, 0, 0, 5, time.UTC)

// open returns a Tx over a new database; hook has what it hands on.
func open(t *testing.T, hook Hooks) (*Tx, *sqlite.Database) {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	return New(d.Writer, now, hook), d
}

func id(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n)) }

func member(n int) fleet.Member {
	return fleet.Member{
		Host: id(n), Key: sha256.Sum256([]byte{byte(n)}), Standing: fleet.Active, Reason: "enrolled", Since: now, Enrolled: now.Add(time.Duration(n)),
		Token: "0123456789abcdef", CloneOf: id(77), Expires: now.Add(14 * 24 * time.Hour), Session: 1 << 63, Confirmed: true, Bundle: 3,
		Recoveries: 2, Recovered: now.Add(-time.Hour),
		Machine: fleet.Machine{HostName: "web-1", DropletID: "481516", MachineID: "aa", ProductUUID: "bb"},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestMembers(t *testing.T) {
	tx, d := open(t, Hooks{})
	if _, ok, err := tx.Member(id(1)); ok || err != nil || tx.Wrote() {
		t.Fatalf("a member of an empty table: %v, %v", ok, err)
	}
	one, two := member(1), member(2)
	two.CloneOf, two.Recovered, two.Token = "", time.Time{}, ""
	must(t, tx.PutMember(one))
	must(t, tx.PutMember(two))
	one.Standing, one.Reason, one.Session, one.Confirmed = fleet.Quarantined, "two places", 7, false
	must(t, tx.PutMember(one))

	got, ok, err := tx.Member(id(1))
	if !ok || err != nil || !tx.Wrote() || !tx.Now().Equal(now) {
		t.Fatal(ok, err)
	}
	same(t, "by host", one, got)
	got, ok, err = tx.MemberByKey(two.Key)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	same(t, "by key", two, got)
	all, err := tx.Members()
	must(t, err)
	same(t, "all", []fleet.Member{one, two}, all)
	all, err = Members(t.Context(), d.Readers)
	must(t, err)
	same(t, "committed", []fleet.Member{one, two}, all)
	committed, err := Member(t.Context(), d.Readers, []byte(strings.Repeat("\x00", 15)+"\x02"))
	must(t, err)
	same(t, "one committed", &two, committed)
	if m, err := Member(t.Context(), d.Readers, nil); m != nil || err != nil {
		t.Errorf("no host is member %+v, %v", m, err)
	}
	// A host has a row from the start, with the name that it claims.
	var name string
	if _, err := tx.w.Row("SELECT name FROM host WHERE host = x'00000000000000000000000000000001' AND first_seen = ?",
		[]any{now.UnixNano()}, &name); err != nil || name != "web-1" {
		t.Errorf("host is called %q, %v", name, err)
	}
}

func TestMembersAreRefused(t *testing.T) {
	tx, _ := open(t, Hooks{})
	must(t, tx.PutMember(member(1)))
	thief := member(2)
	thief.Key = member(1).Key
	if err := tx.PutMember(thief); err == nil {
		t.Error("one key is bound to two hosts")
	}
	odd := member(3)
	odd.Host = "../../etc"
	clone := member(4)
	clone.CloneOf = "zz"
	for _, m := range []fleet.Member{odd, clone} {
		if err := tx.PutMember(m); err == nil {
			t.Errorf("member %+v is taken", m)
		}
	}
	if err := tx.PutRequest(fleet.Request{CloneOf: "zz"}); err == nil {
		t.Error("a clone of nothing is taken")
	}
	if _, _, err := tx.Member("x"); err == nil {
		t.Error("a host id of a wrong form is looked up")
	}
}

// TestRoom has those count that the collector must have room for.
func TestRoom(t *testing.T) {
	tx, _ := open(t, Hooks{})
	for i := range 5 {
		m := member(i)
		m.Standing = []fleet.Standing{fleet.Active, fleet.Quarantined, fleet.Revoked, fleet.Active, fleet.Active}[i]
		must(t, tx.PutMember(m))
	}
	must(t, tx.w.Exec("UPDATE host SET archived = 5 WHERE host = x'00000000000000000000000000000003'"))
	for limit, want := range map[int]bool{2: false, 3: false, 4: true, 5: true, 6: true} {
		if room, err := tx.Room(limit); room != want || err != nil {
			t.Errorf("room for %d: %v, %v", limit, room, err)
		}
	}
	if m, _, err := tx.Member(id(3)); err != nil || m.Archived.UnixNano() != 5 {
		t.Errorf("archived at %v, %v", m.Archived, err)
	}
}

// TestGiveTags gives a host tags beside those that it has.
func TestGiveTags(t *testing.T) {
	tx, _ := open(t, Hooks{})
	must(t, tx.PutMember(member(1)))
	must(t, tx.GiveTags(id(1), []string{"a", "b"}))
	must(t, tx.GiveTags(id(1), []string{"b", "c"}))
	must(t, tx.GiveTags(id(1), nil))
	var got []string
	must(t, tx.w.Rows("SELECT tag FROM host_tag WHERE host = x'00000000000000000000000000000001' ORDER BY tag", nil, func(scan func(...any) error) error {
		var tag string
		err := scan(&tag)
		got = append(got, tag)
		return err
	}))
	same(t, "tags", []string{"a", "b", "c"}, got)
	if err := tx.GiveTags("x", []string{"a"}); err == nil {
		t.Error("no host is tagged")
	}
}

func TestTokens(t *testing.T) {
	tx, d := open(t, Hooks{})
	token := fleet.Token{ID: "00112233445566ff", Hash: sha256.Sum256([]byte("secret")), Label: "golden image", Created: now, Expires: now.Add(time.Hour),
		Uses: 5, Approval: true, Tags: []string{"env=prod", `a"b`}, Scope: fleet.Scope{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Name: "web-*", Clones: true}}
	later := fleet.Token{ID: "a", Created: now.Add(time.Second), Uses: 1}
	must(t, tx.PutToken(token))
	must(t, tx.PutToken(later))
	token.Used, token.Revoked = 3, now
	must(t, tx.PutToken(token))
	got, ok, err := tx.Token(token.ID)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	same(t, "token", token, got)
	all, err := tx.Tokens()
	must(t, err)
	same(t, "all", []fleet.Token{later, token}, all)
	all, err = Tokens(t.Context(), d.Readers)
	must(t, err)
	same(t, "committed", []fleet.Token{later, token}, all)
	must(t, tx.w.Exec("UPDATE token SET tags = 'x'"))
	if _, ok, err := tx.Token(token.ID); ok || err == nil {
		t.Error("a token with damaged tags is read")
	}
	must(t, tx.w.Exec("UPDATE token SET tags = '[]'"))
	// A damaged scope must not become one that bounds nothing.
	must(t, tx.w.Exec("UPDATE token SET scope = ''"))
	if _, ok, err := tx.Token(token.ID); ok || err == nil {
		t.Error("a token without a scope is read")
	}
}

func TestRequests(t *testing.T) {
	tx, d := open(t, Hooks{})
	r := fleet.Request{Key: sha256.Sum256([]byte("key")), Machine: member(1).Machine, From: netip.MustParseAddr("2001:db8::7"),
		Token: "a", CloneOf: id(3), Asked: now, Again: now.Add(time.Minute), Decision: fleet.Waiting}
	r.ID = fmt.Sprintf("%x", r.Key[:8])
	other := fleet.Request{Key: fleet.KeyHash{9}, ID: "0900000000000000", Asked: now.Add(time.Second), Decision: fleet.Rejected}
	must(t, tx.PutRequest(other))
	must(t, tx.PutRequest(r))
	r.Decision = fleet.Approved
	must(t, tx.PutRequest(r))
	got, ok, err := tx.Request(r.Key)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	same(t, "request", r, got)
	all, err := tx.Requests()
	must(t, err)
	same(t, "all", []fleet.Request{r, other}, all)
	must(t, tx.DeleteRequest(other.Key))
	must(t, tx.DeleteRequest(other.Key))
	all, err = Requests(t.Context(), d.Readers)
	must(t, err)
	same(t, "committed", []fleet.Request{r}, all)
	must(t, tx.PutToken(fleet.Token{ID: "a", Tags: []string{"env=prod"}}))
	r.Tags = []string{"env=prod"}
	got, _, err = tx.Request(r.Key)
	must(t, err)
	same(t, "with what its token gives", r, got)
	must(t, tx.w.Exec("UPDATE token SET tags = 'x'"))
	if _, _, err := tx.Request(r.Key); err == nil {
		t.Error("damaged tags are read")
	}
	must(t, tx.w.Exec("DELETE FROM token"))
	must(t, tx.w.Exec("UPDATE request SET address = 'nonsense'"))
	if _, _, err := tx.Request(r.Key); err == nil {
		t.Error("a damaged address is read")
	}
}

func TestHooks(t *testing.T) {
	var told []finding.Result
	var archived []bool
	broken := errors.New("broken")
	tx, _ := open(t, Hooks{
		Tell:    func(_ fleet.HostID, r finding.Result) error { told = append(told, r); return nil },
		Archive: func(_ fleet.HostID, away bool) error { archived = append(archived, away); return broken },
	})
	must(t, tx.Tell(id(1), "quarantined", finding.SeverityHigh, "used in two places"))
	must(t, tx.Tell(id(1), "recovered", finding.SeverityInformational, "after 20 days"))
	if err := tx.Archive(id(1), true); !errors.Is(err, broken) || !tx.Wrote() {
		t.Errorf("archive: %v", err)
	}
	want := []finding.Result{
		{Check: IdentityCheck, Resource: "quarantined", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "used in two places", Time: now},
		{Check: IdentityCheck, Resource: "recovered", Status: finding.StatusPass, Severity: finding.SeverityInformational, Actual: "after 20 days", Time: now},
	}
	same(t, "told", want, told)
	same(t, "archived", []bool{true}, archived)
}

// TestDid tells the trail what somebody did, and nothing of what nobody did.
func TestDid(t *testing.T) {
	var changed []fleet.HostID
	tx, d := open(t, Hooks{Member: func(id fleet.HostID) { changed = append(changed, id) }})
	must(t, tx.Did("", "host revoke", "x", ""))
	if tx.Wrote() {
		t.Error("nobody's deed is written")
	}
	must(t, tx.PutMember(member(1)))
	must(t, tx.Did("ann", "host revoke", string(id(1)), "sold"))
	if !tx.Wrote() || len(changed) != 1 || changed[0] != id(1) {
		t.Errorf("others hear of %v", changed)
	}
	all, err := trail.List(t.Context(), d.Readers, trail.Query{})
	if err != nil || len(all) != 1 || all[0].Who != "ann" || all[0].Action != "host revoke" || all[0].Detail != "sold" || !all[0].Time.Equal(now) {
		t.Errorf("%+v, %v", all, err)
	}
}
