package enrol

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"seawall/collector/account"
	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/trail"
	"seawall/pkg/text"
	"seawall/pkg/token"
)

// Invitation says what a new token is to be good for. Zero fields mean the default.
type Invitation struct {
	TTL      time.Duration // default 1 h
	Uses     int           // default 1
	Label    string
	Scope    fleet.Scope
	Tags     []string // that its hosts are given as they come
	Approval bool
}

// The bounds of tokens.
const (
	minTTL    = time.Minute
	maxTTL    = 366 * 24 * time.Hour
	maxUses   = 1_000_000
	maxTokens = 10_000
)

// Check says what is wrong with an invitation.
func (i Invitation) Check() error { return i.complete() }

func (i *Invitation) complete() error {
	if i.TTL == 0 {
		i.TTL = time.Hour
	}
	if i.Uses == 0 {
		i.Uses = 1
	}
	i.Label = text.Clean(i.Label, maxLabel)
	tags, wrong := account.Tags(i.Tags)
	i.Tags = tags
	_, err := path.Match(i.Scope.Name, "")
	switch {
	case wrong != nil:
		return wrong
	case i.TTL < minTTL || i.TTL > maxTTL:
		return fmt.Errorf("a life of %v, not from %v to %v", i.TTL, minTTL, maxTTL)
	case i.Uses < 1 || i.Uses > maxUses:
		return fmt.Errorf("%d uses, not 1 to %d", i.Uses, maxUses)
	case err != nil || len(i.Scope.Name) > maxHostName:
		return fmt.Errorf("%q is not a pattern of names", i.Scope.Name)
	case len(i.Scope.Networks) > 64:
		return errors.New("more than 64 networks")
	}
	return nil
}

// Invite makes a token. Its text is nowhere but in what is returned.
func (s *Service) Invite(ctx context.Context, i Invitation) (token.Token, fleet.Token, error) {
	if err := i.complete(); err != nil {
		return token.Token{}, fleet.Token{}, fmt.Errorf("token: %w", err)
	}
	secret := token.New(s.cfg.Authority.Pin())
	now := s.cfg.Now().UTC()
	t := fleet.Token{
		ID: hex.EncodeToString(secret.ID[:]), Hash: secret.Hash(), Label: i.Label, Created: now, Expires: now.Add(i.TTL),
		Uses: i.Uses, Scope: i.Scope, Tags: i.Tags, Approval: i.Approval,
	}
	err := s.cfg.Update(ctx, func(tx *membership.Tx) error {
		all, err := tx.Tokens()
		if err != nil {
			return err
		}
		if len(all) >= maxTokens {
			return fmt.Errorf("%d: %w", len(all), ErrFull)
		}
		if err := tx.PutToken(t); err != nil {
			return err
		}
		return tx.Did(trail.By(ctx), "token create", t.ID, about(t))
	})
	if err != nil {
		return token.Token{}, fleet.Token{}, fmt.Errorf("token: %w", err)
	}
	s.tokens.put(t)
	s.cfg.Log.Info("token made", "token", t.ID, "label", t.Label, "uses", t.Uses, "expires", t.Expires)
	return secret, t, nil
}

// about says of a token what matters of it later.
func about(t fleet.Token) string {
	text := fmt.Sprintf("%d uses until %s", t.Uses, t.Expires.Format(time.RFC3339))
	if t.Approval {
		text += ", approval needed"
	}
	if len(t.Tags) > 0 {
		text += ", tags " + strings.Join(t.Tags, " ")
	}
	if t.Label != "" {
		text += ", " + t.Label
	}
	return text
}

// ErrFull is returned where there is no room for another token.
var ErrFull = errors.New("there are as many tokens as there may be")

// ErrNoToken is returned for a token that is not there.
var ErrNoToken = errors.New("no such token")

// Withdraw revokes a token. Hosts that it admitted stay.
func (s *Service) Withdraw(ctx context.Context, id string) (fleet.Token, error) {
	var t fleet.Token
	err := s.cfg.Update(ctx, func(tx *membership.Tx) error {
		found, ok, err := tx.Token(id)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: %s", ErrNoToken, id)
		}
		if t = found; !t.Revoked.IsZero() {
			return nil
		}
		t.Revoked = tx.Now()
		if err := tx.PutToken(t); err != nil {
			return err
		}
		return tx.Did(trail.By(ctx), "token revoke", t.ID, t.Label)
	})
	if err == nil {
		s.tokens.put(t)
		s.cfg.Log.Info("token revoked", "token", t.ID)
	}
	return t, err
}

// tokens is every token in memory, so that who has none costs no look at the disk.
type tokens struct {
	mu      sync.RWMutex
	byID    map[string]fleet.Token // guarded by mu
	first   map[string]netip.Addr  // guarded by mu; where a token came from first, since the start
	alarmed map[alarm]bool         // guarded by mu
}

// alarm is a token that came from an address after it was used up.
type alarm struct {
	token string
	from  netip.Addr
}

const maxAlarms = 1000

func newTokens() *tokens {
	return &tokens{byID: make(map[string]fleet.Token), first: make(map[string]netip.Addr), alarmed: make(map[alarm]bool)}
}

func (t *tokens) put(one fleet.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Two that used it at once may come here in either order.
	if old := t.byID[one.ID]; one.Used < old.Used || !old.Revoked.IsZero() {
		return
	}
	t.byID[one.ID] = one
}

// verify returns the token with that id and secret. An unknown id costs what a
// wrong secret costs.
func (t *tokens) verify(id, secret []byte) (fleet.Token, bool) {
	if len(id) != len(token.Token{}.ID) || len(secret) != len(token.Token{}.Secret) {
		id, secret = make([]byte, 8), make([]byte, 16)
	}
	t.mu.RLock()
	one, known := t.byID[hex.EncodeToString(id)]
	t.mu.RUnlock()
	hash := sha256.Sum256(secret)
	right := subtle.ConstantTimeCompare(hash[:], one.Hash[:]) == 1
	return one, known && right
}

// learn reads a token that another collector may have made.
func (s *Service) learn(ctx context.Context, id []byte) error {
	found := make(chan fleet.Token, 1)
	err := s.cfg.Update(ctx, func(tx *membership.Tx) error {
		t, ok, err := tx.Token(hex.EncodeToString(id[:min(len(id), len(token.Token{}.ID))]))
		if ok && len(found) == 0 {
			found <- t
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look for a token: %w", err)
	}
	select {
	case t := <-found:
		s.tokens.put(t)
	default:
	}
	return nil
}

func (t *tokens) usedFrom(id string, from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.first[id]; !ok {
		t.first[id] = from
	}
}

func (t *tokens) firstFrom(id string) netip.Addr {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.first[id]
}

// alarm reports whether it is news that a token comes from there.
func (t *tokens) alarm(id string, from netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.alarmed[alarm{id, from}] || len(t.alarmed) >= maxAlarms {
		return false
	}
	t.alarmed[alarm{id, from}] = true
	return true
}
