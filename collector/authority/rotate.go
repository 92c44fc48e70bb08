package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"seawall/collector/authority/signer"
)

// Rotate makes a new authority, which signs from now on. It refuses to have more
// than five in the bundle.
func (a *Authority) Rotate(ctx context.Context) error {
	var made string
	err := a.replace(ctx, func(now state) (state, *signer.Signer, error) {
		if n := now.count(trusted); n >= signer.Depth {
			return now, nil, fmt.Errorf("hosts trust %d, which is the most; retire the oldest first", n)
		}
		s, err := signer.New(a.now())
		if err != nil {
			return now, nil, err
		}
		made = s.ID
		now.Authorities = append(now.Authorities, entryOf(s))
		return now, s, nil
	})
	if err != nil {
		return fmt.Errorf("rotate the authority: %w", err)
	}
	a.log.Info("rotated the authority", "id", made)
	return nil
}

// Retire takes an authority out of the bundle, one that no longer signs. When it
// is distrusted, what it signed is refused from now on, and older ones are retired
// with it.
func (a *Authority) Retire(ctx context.Context, id string, distrust bool) error {
	err := a.replace(ctx, func(now state) (state, *signer.Signer, error) {
		i := slices.IndexFunc(now.Authorities, func(e entry) bool { return e.ID == id })
		switch {
		case i < 0:
			return now, nil, errors.New("there is none of that id")
		case i == len(now.Authorities)-1:
			return now, nil, errors.New("it is the one that signs; rotate first")
		}
		now.retire(i, distrust)
		return now, nil, nil
	})
	if err != nil {
		return fmt.Errorf("retire authority %q: %w", id, err)
	}
	a.log.Info("retired an authority", "id", id, "distrusted", distrust)
	return nil
}

// replace makes the next state durable and then the one in use.
func (a *Authority) replace(ctx context.Context, next func(state) (state, *signer.Signer, error)) error {
	a.change.Lock()
	defer a.change.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	v, err := a.vault.change(ctx, a.current(), func(now state) (state, *signer.Signer, error) {
		s, added, err := next(now.copy())
		if err == nil && !slices.Equal(s.Authorities, now.Authorities) {
			s.Revision = max(s.Revision+1, uint64(max(0, a.now().Unix())))
		}
		return s, added, err
	})
	if err != nil {
		return err
	}
	a.use(v)
	return nil
}

// Refresh takes what another collector has made of the authority, where they share a
// database.
func (a *Authority) Refresh(ctx context.Context) error {
	a.change.Lock()
	defer a.change.Unlock()
	old := a.current()
	v, err := a.vault.load(ctx, old)
	if err != nil {
		return fmt.Errorf("refresh the authority: %w", err)
	}
	if v != old {
		a.use(v)
		a.log.Info("the authority was changed elsewhere", "id", v.active.ID, "revision", v.state.Revision)
	}
	return nil
}

// use makes a view the one in use. The caller holds a.change.
func (a *Authority) use(v *view) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v == a.view {
		return
	}
	a.view, a.leaf = v, nil
	close(a.changed)
	a.changed = make(chan struct{})
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

func entryOf(s *signer.Signer) entry {
	return entry{ID: s.ID, Created: s.Created(), Expires: s.Cert.NotAfter, Standing: trusted}
}

func (s state) copy() state {
	s.Authorities = slices.Clone(s.Authorities)
	return s
}

func (s state) equal(other state) bool {
	return s.Revision == other.Revision && slices.Equal(s.Authorities, other.Authorities)
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
		case !signer.ValidID(e.ID):
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
