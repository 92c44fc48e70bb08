package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Rotate makes a new authority, which signs from now on. It refuses to have more
// than five in the bundle.
func (a *Authority) Rotate(ctx context.Context) error {
	a.change.Lock()
	defer a.change.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("rotate the authority: %w", err)
	}
	next := a.current().state.copy()
	if n := next.count(trusted); n >= depth {
		return fmt.Errorf("rotate the authority: hosts trust %d, which is the most; retire the oldest first", n)
	}
	s, err := newSigner(a.now())
	if err != nil {
		return fmt.Errorf("rotate the authority: %w", err)
	}
	if err := a.disk.putSigner(s); err != nil {
		return fmt.Errorf("rotate the authority: write its key: %w", err)
	}
	next.Authorities = append(next.Authorities, s.entry())
	if err := a.replace(next); err != nil {
		return fmt.Errorf("rotate the authority: %w", err)
	}
	a.log.Info("rotated the authority", "id", s.id)
	return nil
}

// Retire takes an authority out of the bundle, one that no longer signs. When it
// is distrusted, what it signed is refused from now on, and older ones are retired
// with it.
func (a *Authority) Retire(id string, distrust bool) error {
	a.change.Lock()
	defer a.change.Unlock()
	old := a.current().state
	next := old.copy()
	i := slices.IndexFunc(next.Authorities, func(e entry) bool { return e.ID == id })
	switch {
	case i < 0:
		return fmt.Errorf("retire authority %q: there is none of that id", id)
	case i == len(next.Authorities)-1:
		return fmt.Errorf("retire authority %s: it is the one that signs; rotate first", id)
	}
	next.retire(i, distrust)
	if slices.Equal(next.Authorities, old.Authorities) {
		return nil
	}
	if err := a.replace(next); err != nil {
		return fmt.Errorf("retire authority %s: %w", id, err)
	}
	a.log.Info("retired an authority", "id", id, "distrusted", distrust)
	return nil
}

// replace makes the state durable and then the one in use. The caller holds
// a.change.
func (a *Authority) replace(next state) error {
	next.Revision = max(next.Revision+1, uint64(max(0, a.now().Unix())))
	v, err := a.disk.view(next)
	if err != nil {
		return err
	}
	if err := a.disk.putState(next); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.view, a.leaf = v, nil
	close(a.changed)
	a.changed = make(chan struct{})
	return nil
}

// standing is how far an authority is believed.
type standing string

const (
	trusted    standing = "trusted"    // in the bundle
	retired    standing = "retired"    // what it signed counts
	distrusted standing = "distrusted" // nothing counts
)

// state is what state.json holds.
type state struct {
	Revision    uint64  `json:"revision"`
	Authorities []entry `json:"authorities"` // oldest first; the last one signs
}

type entry struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires"`
	Standing standing  `json:"standing"`
}

func (s state) copy() state {
	s.Authorities = slices.Clone(s.Authorities)
	return s
}

func (s state) count(of standing) int {
	n := 0
	for _, e := range s.Authorities {
		if e.Standing == of {
			n++
		}
	}
	return n
}

func (s state) retire(i int, distrust bool) {
	list := s.Authorities
	if list[i].Standing == trusted {
		list[i].Standing = retired
	}
	if !distrust {
		return
	}
	list[i].Standing = distrusted
	for j := range list[:i] {
		if list[j].Standing == trusted {
			list[j].Standing = retired
		}
	}
}

func (s state) check() error {
	seen := make(map[string]bool)
	for _, e := range s.Authorities {
		switch {
		case !validID(e.ID):
			return fmt.Errorf("%q is no id of an authority", e.ID)
		case seen[e.ID]:
			return fmt.Errorf("authority %s is listed twice", e.ID)
		case e.Standing != trusted && e.Standing != retired && e.Standing != distrusted:
			return fmt.Errorf("authority %s has an unknown standing %q", e.ID, string(e.Standing))
		}
		seen[e.ID] = true
	}
	if n := len(s.Authorities); n == 0 || s.Authorities[n-1].Standing != trusted {
		return errors.New("there is no authority that signs")
	}
	return nil
}
