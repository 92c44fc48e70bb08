package membership

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/pkg/finding"
)

// Hooks are what a transaction does beyond the three tables. The store sets them.
type Hooks struct {
	// Tell appends a result to the timeline of a host.
	Tell func(host fleet.HostID, r finding.Result) error
	// Archive takes a host out of the fleet's rollups, or back in.
	Archive func(host fleet.HostID, archived bool) error
	// Member has other collectors know that a member is another. Default: there is none.
	Member func(host fleet.HostID)
	// Topic has them know that what the topic names is. Default: there is none.
	Topic func(topic string)
}

// Tx is one transaction of the store's writer. It must not be used after the
// function that it was given to has returned.
type Tx struct {
	w     db.Writer
	now   time.Time
	hooks Hooks
	wrote bool
}

// New returns a Tx over the writer's open transaction.
func New(w db.Writer, now time.Time, hooks Hooks) *Tx {
	if hooks.Member == nil {
		hooks.Member = func(fleet.HostID) {}
	}
	if hooks.Topic == nil {
		hooks.Topic = func(string) {}
	}
	return &Tx{w: w, now: now, hooks: hooks}
}

// Now is the time of the transaction.
func (tx *Tx) Now() time.Time { return tx.now }

// Wrote reports whether anything may have been changed.
func (tx *Tx) Wrote() bool { return tx.wrote }

// Token returns the token with that id, if there is one.
func (tx *Tx) Token(id string) (fleet.Token, bool, error) {
	return first(tx, scanToken, tokenQuery+"WHERE id = ?", id)
}

// PutToken writes a token, and replaces one with the same id.
func (tx *Tx) PutToken(t fleet.Token) error {
	scope, err := json.Marshal(t.Scope)
	if err != nil {
		return fmt.Errorf("scope of token %s: %w", t.ID, err)
	}
	tags := []byte("[]")
	if len(t.Tags) > 0 {
		if tags, err = json.Marshal(t.Tags); err != nil {
			return fmt.Errorf("tags of token %s: %w", t.ID, err)
		}
	}
	return tx.write(`INSERT INTO token (id, hash, label, created, expires, uses, used, scope, approval, revoked, tags)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
		hash = excluded.hash, label = excluded.label, created = excluded.created, expires = excluded.expires, uses = excluded.uses,
		used = excluded.used, scope = excluded.scope, approval = excluded.approval, revoked = excluded.revoked, tags = excluded.tags`,
		t.ID, t.Hash[:], t.Label, nano(t.Created), nano(t.Expires), t.Uses, t.Used, string(scope), t.Approval, nano(t.Revoked), string(tags))
}

// Tokens returns all tokens, the newest first.
func (tx *Tx) Tokens() ([]fleet.Token, error) {
	return rows(tx, scanToken, tokenQuery+"ORDER BY created DESC, id")
}

// Member returns a member.
func (tx *Tx) Member(host fleet.HostID) (fleet.Member, bool, error) {
	key, err := host.Bytes()
	if err != nil {
		return fleet.Member{}, false, err
	}
	return first(tx, scanMember, memberQuery+"WHERE m.host = ?", key)
}

// MemberByKey returns the member that the key is bound to.
func (tx *Tx) MemberByKey(key fleet.KeyHash) (fleet.Member, bool, error) {
	return first(tx, scanMember, memberQuery+"WHERE m.key = ?", key[:])
}

// Members returns all members, the longest enrolled first.
func (tx *Tx) Members() ([]fleet.Member, error) {
	return rows(tx, scanMember, memberQuery+"ORDER BY enrolled, m.host")
}

// Room reports whether fewer members than limit are neither revoked nor archived: those
// that the collector must have room for.
func (tx *Tx) Room(limit int) (bool, error) {
	var n int
	// To count all is cheap, and mostly enough.
	if _, err := tx.w.Row("SELECT count(*) FROM member", nil, &n); err != nil || n < limit {
		return n < limit && err == nil, err
	}
	_, err := tx.w.Row("SELECT count(*) FROM member m JOIN host h ON h.host = m.host WHERE standing <> ? AND h.archived = 0",
		[]any{fleet.Revoked}, &n)
	return n < limit && err == nil, err
}

// PutMember writes a member, and makes the host's row for a new one. It fails when
// the key is bound to another host. Archived is not written: see Archive.
func (tx *Tx) PutMember(m fleet.Member) error {
	host, err := m.Host.Bytes()
	if err != nil {
		return err
	}
	clone, err := hex.DecodeString(string(m.CloneOf))
	if err != nil {
		return fmt.Errorf("clone of %q: %w", m.CloneOf, err)
	}
	if err := tx.write("INSERT INTO host (host, first_seen, last_seen, name) VALUES (?, ?, ?, ?) ON CONFLICT (host) DO NOTHING",
		host, nano(tx.now), nano(tx.now), m.Machine.HostName); err != nil {
		return fmt.Errorf("make host %s: %w", m.Host, err)
	}
	err = tx.write(`INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (host) DO UPDATE SET key = excluded.key, standing = excluded.standing, reason = excluded.reason,
		since = excluded.since, enrolled = excluded.enrolled, token = excluded.token, clone_of = excluded.clone_of,
		expires = excluded.expires, session = excluded.session, confirmed = excluded.confirmed, bundle = excluded.bundle,
		recoveries = excluded.recoveries, recovered = excluded.recovered, host_name = excluded.host_name,
		droplet_id = excluded.droplet_id, machine_id = excluded.machine_id, product_uuid = excluded.product_uuid`,
		host, m.Key[:], m.Standing, m.Reason, nano(m.Since), nano(m.Enrolled), m.Token, clone, nano(m.Expires),
		int64(m.Session), m.Confirmed, int64(m.Bundle), m.Recoveries, nano(m.Recovered),
		m.Machine.HostName, m.Machine.DropletID, m.Machine.MachineID, m.Machine.ProductUUID)
	if err != nil {
		return fmt.Errorf("write member %s: %w", m.Host, err)
	}
	tx.hooks.Member(m.Host)
	return nil
}

// GiveTags gives a host tags beside those that it has: people's, by which scopes and
// waivers go. The caller has checked that they may be a host's.
func (tx *Tx) GiveTags(id fleet.HostID, tags []string) error {
	host, err := id.Bytes()
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if err := tx.write("INSERT INTO host_tag (host, tag) VALUES (?, ?) ON CONFLICT (host, tag) DO NOTHING", host, tag); err != nil {
			return fmt.Errorf("tag host %s: %w", id, err)
		}
	}
	return nil
}

// Topic has other collectors know that the transaction changed what the topic names.
func (tx *Tx) Topic(topic string) { tx.hooks.Topic(topic) }

// Request returns the request of a key, if there is one.
func (tx *Tx) Request(key fleet.KeyHash) (fleet.Request, bool, error) {
	return first(tx, scanRequest, requestQuery+"WHERE key = ?", key[:])
}

// PutRequest writes a request, and replaces one of the same key.
func (tx *Tx) PutRequest(r fleet.Request) error {
	clone, err := hex.DecodeString(string(r.CloneOf))
	if err != nil {
		return fmt.Errorf("clone of %q: %w", r.CloneOf, err)
	}
	from := ""
	if r.From.IsValid() {
		from = r.From.String()
	}
	return tx.write(`INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
		host_name = excluded.host_name, droplet_id = excluded.droplet_id, machine_id = excluded.machine_id,
		product_uuid = excluded.product_uuid, address = excluded.address, token = excluded.token, clone_of = excluded.clone_of,
		asked = excluded.asked, again = excluded.again, decision = excluded.decision`, r.Key[:],
		r.Machine.HostName, r.Machine.DropletID, r.Machine.MachineID, r.Machine.ProductUUID,
		from, r.Token, clone, nano(r.Asked), nano(r.Again), r.Decision)
}

// DeleteRequest forgets a request. There need not be one.
func (tx *Tx) DeleteRequest(key fleet.KeyHash) error {
	return tx.write("DELETE FROM request WHERE key = ?", key[:])
}

// Requests returns all requests, the oldest first, decided ones too.
func (tx *Tx) Requests() ([]fleet.Request, error) {
	return rows(tx, scanRequest, requestQuery+"ORDER BY asked, key")
}

// IdentityCheck names what Tell says in the timeline.
const IdentityCheck = "agent-identity"

// Tell says in the host's timeline what happened to its identity: what in one word
// (quarantined, revoked, recovered, clone), and the detail in a sentence. It is a
// failure from medium severity on. The host must be a member.
func (tx *Tx) Tell(host fleet.HostID, what string, severity finding.Severity, detail string) error {
	status := finding.StatusPass
	if severity >= finding.SeverityMedium {
		status = finding.StatusFail
	}
	tx.wrote = true
	return tx.hooks.Tell(host, finding.Result{Check: IdentityCheck, Resource: what, Status: status, Severity: severity,
		Actual: detail, Time: tx.now})
}

// Archive takes a host out of the fleet's counts and lists, or back in. It is kept,
// and comes back by itself when it delivers.
func (tx *Tx) Archive(host fleet.HostID, archived bool) error {
	tx.wrote = true
	return tx.hooks.Archive(host, archived)
}

// Did tells the audit trail what somebody did, with what the transaction does. It does
// nothing where nobody did it: a host asked, or the collector acts by itself.
func (tx *Tx) Did(who, action, target, detail string) error {
	if who == "" {
		return nil
	}
	tx.wrote = true
	_, err := trail.Record(tx.w, tx.now, trail.Entry{Who: who, Action: action, Target: target, Detail: detail})
	return err
}

func (tx *Tx) write(text string, args ...any) error {
	tx.wrote = true
	return tx.w.Exec(text, args...)
}

func rows[T any](tx *Tx, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	var found []T
	err := tx.w.Rows(text, args, func(s func(...any) error) error {
		v, err := scan(s)
		found = append(found, v)
		return err
	})
	return found, err
}

func first[T any](tx *Tx, scan func(scanner) (T, error), text string, args ...any) (v T, ok bool, err error) {
	found, err := rows(tx, scan, text, args...)
	if err != nil || len(found) == 0 {
		return v, false, err
	}
	return found[0], true, nil
}
