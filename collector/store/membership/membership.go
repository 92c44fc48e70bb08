// Package membership keeps who may deliver: the tables token, member and request.
//
// A [Tx] works within a transaction of the store's writer, so that a decision and
// what it rests on (uses of a token left, a key not known yet, room in the fleet)
// are one step. Members, Tokens and Requests read what is committed.
//
// The package decides nothing and verifies nothing: who is admitted and why is the
// caller's business. A token's secret is never here, only its hash.
package membership

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
)

// memberQuery selects what scanMember reads.
const memberQuery = `SELECT m.host, m.key, standing, reason, since, enrolled, token, clone_of, expires, session, confirmed, bundle,
	recoveries, recovered, host_name, droplet_id, machine_id, product_uuid, h.archived FROM member m JOIN host h ON h.host = m.host `

type scanner = func(to ...any) error

func scanMember(scan scanner) (m fleet.Member, err error) {
	var host, key, clone []byte
	var since, enrolled, expires, session, bundle, recovered, archived int64
	err = scan(&host, &key, &m.Standing, &m.Reason, &since, &enrolled, &m.Token, &clone, &expires, &session, &m.Confirmed, &bundle,
		&m.Recoveries, &recovered, &m.Machine.HostName, &m.Machine.DropletID, &m.Machine.MachineID, &m.Machine.ProductUUID, &archived)
	if err != nil {
		return m, err
	}
	copy(m.Key[:], key)
	m.Host, m.CloneOf = fleet.HostID(hex.EncodeToString(host)), fleet.HostID(hex.EncodeToString(clone))
	m.Session, m.Bundle = uint64(session), uint64(bundle)
	m.Since, m.Enrolled, m.Expires = fromNano(since), fromNano(enrolled), fromNano(expires)
	m.Recovered, m.Archived = fromNano(recovered), fromNano(archived)
	return m, nil
}

const tokenQuery = "SELECT id, hash, label, created, expires, uses, used, scope, approval, revoked, tags FROM token "

func scanToken(scan scanner) (t fleet.Token, err error) {
	var hash, scope, tags []byte
	var created, expires, revoked int64
	if err := scan(&t.ID, &hash, &t.Label, &created, &expires, &t.Uses, &t.Used, &scope, &t.Approval, &revoked, &tags); err != nil {
		return t, err
	}
	copy(t.Hash[:], hash)
	t.Created, t.Expires, t.Revoked = fromNano(created), fromNano(expires), fromNano(revoked)
	// A scope that cannot be read must not become one that bounds nothing.
	if err := json.Unmarshal(scope, &t.Scope); err != nil {
		return t, fmt.Errorf("scope of token %s: %w", t.ID, err)
	}
	t.Tags, err = readTags(tags)
	return t, err
}

// readTags reads a token's tags; none are nil.
func readTags(text []byte) (tags []string, err error) {
	if err := json.Unmarshal(text, &tags); err != nil {
		return nil, fmt.Errorf("tags of a token: %w", err)
	}
	if len(tags) == 0 {
		return nil, nil
	}
	return tags, nil
}

const requestQuery = `SELECT key, host_name, droplet_id, machine_id, product_uuid, address, token, clone_of, asked, again, decision,
	coalesce((SELECT t.tags FROM token t WHERE t.id = request.token), '[]') FROM request `

func scanRequest(scan scanner) (r fleet.Request, err error) {
	var key, clone, tags []byte
	var from string
	var asked, again int64
	err = scan(&key, &r.Machine.HostName, &r.Machine.DropletID, &r.Machine.MachineID, &r.Machine.ProductUUID,
		&from, &r.Token, &clone, &asked, &again, &r.Decision, &tags)
	if err != nil {
		return r, err
	}
	if r.Tags, err = readTags(tags); err != nil {
		return r, fmt.Errorf("request: %w", err)
	}
	copy(r.Key[:], key)
	r.ID, r.CloneOf = hex.EncodeToString(r.Key[:8]), fleet.HostID(hex.EncodeToString(clone))
	r.Asked, r.Again = fromNano(asked), fromNano(again)
	if from != "" {
		if r.From, err = netip.ParseAddr(from); err != nil {
			return r, fmt.Errorf("address of request %s: %w", r.ID, err)
		}
	}
	return r, nil
}

// Members returns all members, the longest enrolled first.
func Members(ctx context.Context, q db.Querier) ([]fleet.Member, error) {
	return all(ctx, q, scanMember, memberQuery+"ORDER BY enrolled, m.host")
}

// Member returns one member, if the host is one.
func Member(ctx context.Context, q db.Querier, host []byte) (*fleet.Member, error) {
	found, err := all(ctx, q, scanMember, memberQuery+"WHERE m.host = ?", host)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Some returns those of the hosts that are members, in no order. There are as many
// hosts as a page has.
func Some(ctx context.Context, q db.Querier, hosts []any) ([]fleet.Member, error) {
	if len(hosts) == 0 {
		return nil, nil
	}
	return all(ctx, q, scanMember, memberQuery+"WHERE m.host IN (?"+strings.Repeat(", ?", len(hosts)-1)+")", hosts...)
}

// Tokens returns all tokens, the newest first.
func Tokens(ctx context.Context, q db.Querier) ([]fleet.Token, error) {
	return all(ctx, q, scanToken, tokenQuery+"ORDER BY created DESC, id")
}

// Requests returns all requests, the oldest first, decided ones too.
func Requests(ctx context.Context, q db.Querier) ([]fleet.Request, error) {
	return all(ctx, q, scanRequest, requestQuery+"ORDER BY asked, key")
}

func all[T any](ctx context.Context, q db.Querier, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	var found []T
	err := db.Each(ctx, q, func(s func(...any) error) error {
		v, err := scan(s)
		found = append(found, v)
		return err
	}, text, args...)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// nano is a time as the tables have it; the zero time is 0.
func nano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
