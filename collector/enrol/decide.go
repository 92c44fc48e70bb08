package enrol

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/pkg/finding"
	seawallv1 "seawall/proto/seawall/v1"
)

// verdict is what became of an application: one of a reason, a wait and a member.
type verdict struct {
	refused seawallv1.Reason
	waits   bool
	member  fleet.Member
	chain   [][]byte    // of a new member
	token   fleet.Token // as it is now, when it changed
}

func refused(reason seawallv1.Reason) (verdict, error) { return verdict{refused: reason}, nil }

// decide decides in a transaction; what it refuses it may have told.
func (s *Service) decide(tx *membership.Tx, a *application) (verdict, error) {
	t, reason, err := tokenOf(tx, a)
	if err != nil || reason != 0 {
		return verdict{refused: reason}, err
	}
	m, known, err := tx.MemberByKey(a.hash)
	if err != nil {
		return verdict{}, err
	}
	if known {
		return s.again(tx, a, t, m)
	}
	return s.newcomer(tx, a, t)
}

// tokenOf returns the token that is shown, the zero one for none, and why it does not
// count.
func tokenOf(tx *membership.Tx, a *application) (t fleet.Token, reason seawallv1.Reason, err error) {
	if a.token == "" {
		return t, 0, nil
	}
	t, ok, err := tx.Token(a.token)
	switch {
	case err != nil:
		return t, 0, err
	case !ok:
		return t, seawallv1.Reason_REASON_TOKEN_UNKNOWN, nil
	case !t.Revoked.IsZero():
		return t, seawallv1.Reason_REASON_TOKEN_REVOKED, nil
	}
	return t, 0, nil
}

// newcomer decides on a key that is no member's.
func (s *Service) newcomer(tx *membership.Tx, a *application, t fleet.Token) (verdict, error) {
	r, asked, err := tx.Request(a.hash)
	if err != nil {
		return verdict{}, err
	}
	if asked && r.Decision == fleet.Rejected {
		return refused(seawallv1.Reason_REASON_REJECTED)
	}
	// A token counts a key that waits for a person when it begins to wait.
	counted := asked && r.Token == a.token
	if !counted {
		if reason := s.invites(tx.Now(), a, t); reason != 0 {
			return s.turnAway(tx, a, t, reason)
		}
	}
	room, err := tx.Room(s.cfg.MaxHosts)
	if err != nil {
		return verdict{}, err
	}
	if !room {
		return refused(seawallv1.Reason_REASON_FULL)
	}
	if !(asked && r.Decision == fleet.Approved) && (s.cfg.Approve || t.Approval || a.token == "") {
		return s.wait(tx, a, t, r)
	}
	return s.admit(tx, a, t, r)
}

// ended reports whether a token is over for keys that it did not admit.
func ended(t fleet.Token, now time.Time) bool {
	return !t.Revoked.IsZero() || !now.Before(t.Expires) || t.Used >= t.Uses
}

// invites returns why the token does not invite a host, if there is one.
func (s *Service) invites(now time.Time, a *application, t fleet.Token) seawallv1.Reason {
	switch {
	case a.token == "":
		return 0 // it is a copy, and waits for a person
	case !now.Before(t.Expires):
		return seawallv1.Reason_REASON_TOKEN_EXPIRED
	case t.Used >= t.Uses:
		return seawallv1.Reason_REASON_TOKEN_USED_UP
	case !t.Scope.Allows(a.from, a.machine.HostName), t.Scope.Clones && a.original == "":
		return seawallv1.Reason_REASON_TOKEN_SCOPE
	}
	return 0
}

// turnAway refuses, and tells when a token for one host came from another, too.
func (s *Service) turnAway(tx *membership.Tx, a *application, t fleet.Token, reason seawallv1.Reason) (verdict, error) {
	if reason != seawallv1.Reason_REASON_TOKEN_USED_UP || t.Uses != 1 || !a.news() {
		return refused(reason)
	}
	detail := fmt.Sprintf("token %s was presented again, with another key, from %s by %q", t.ID, a.from, a.machine.HostName)
	if first := s.tokens.firstFrom(t.ID); first.IsValid() {
		detail += fmt.Sprintf("; it had been used from %s", first)
	}
	s.cfg.Log.Warn("token used twice", "token", t.ID, "from", a.from, "name", a.machine.HostName, "first", s.tokens.firstFrom(t.ID))
	for _, m := range s.cfg.Roster.All() {
		if m.Token == t.ID {
			if err := tx.Tell(m.Host, "token used twice", finding.SeverityHigh, detail); err != nil {
				return verdict{}, err
			}
			break
		}
	}
	return refused(reason)
}

// again is for a key that a member is bound to.
func (s *Service) again(tx *membership.Tx, a *application, t fleet.Token, m fleet.Member) (verdict, error) {
	switch {
	case m.Standing == fleet.Quarantined:
		return refused(seawallv1.Reason_REASON_HOST_QUARANTINED)
	case m.Standing != fleet.Active:
		return refused(seawallv1.Reason_REASON_HOST_REVOKED)
	case a.token == "" && m.CloneOf != a.original:
		return refused(seawallv1.Reason_REASON_HOST_UNKNOWN)
	case m.Token == a.token:
		return verdict{member: m}, nil
	}
	// A member that is invited anew, as one that slept too long for its certificate.
	if reason := s.invites(tx.Now(), a, t); reason != 0 {
		return refused(reason)
	}
	t.Used++
	return verdict{member: m, token: t}, tx.PutToken(t)
}

// count counts a key that the token did not count before, and returns the token if
// that changed it. r is the key's request, if there is one.
func count(tx *membership.Tx, a *application, t fleet.Token, r fleet.Request) (fleet.Token, error) {
	if a.token == "" || r.Token == a.token {
		return fleet.Token{}, nil
	}
	t.Used++
	return t, tx.PutToken(t)
}

// admit makes a member. r is its request, if there is one.
func (s *Service) admit(tx *membership.Tx, a *application, t fleet.Token, r fleet.Request) (verdict, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	now := tx.Now()
	v := verdict{member: fleet.Member{
		Host: fleet.HostID(hex.EncodeToString(id[:])), Key: a.hash, Machine: a.machine,
		Standing: fleet.Active, Since: now, Enrolled: now, Token: a.token, CloneOf: a.original, Confirmed: true,
	}}
	var err error
	if v.chain, v.member.Expires, err = s.cfg.Authority.Issue(v.member.Host, a.key); err != nil {
		return verdict{}, err
	}
	if err := tx.PutMember(v.member); err != nil {
		return verdict{}, err
	}
	detail := fmt.Sprintf("enrolled from %s as %q", a.from, a.machine.HostName)
	if a.token != "" {
		detail += " with token " + a.token
	}
	if len(t.Tags) > 0 {
		if err := tx.GiveTags(v.member.Host, t.Tags); err != nil {
			return verdict{}, err
		}
		detail += ", tagged " + strings.Join(t.Tags, " ")
	}
	if r.Decision == fleet.Approved {
		detail += ", approved by a person"
	}
	if err := tx.DeleteRequest(a.hash); err != nil {
		return verdict{}, err
	}
	if v.token, err = count(tx, a, t, r); err != nil {
		return verdict{}, err
	}
	if a.original != "" {
		detail += ", as a copy of host " + string(a.original)
		told := fmt.Sprintf("a copy of this host, %q at %s, is now host %s", a.machine.HostName, a.from, v.member.Host)
		if err := tx.Tell(a.original, "clone", finding.SeverityInformational, told); err != nil {
			return verdict{}, err
		}
	}
	return v, tx.Tell(v.member.Host, "enrolled", finding.SeverityInformational, detail)
}
