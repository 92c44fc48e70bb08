package part

import (
	"strings"
	"sync"
	"time"
)

// maxScopes bounds the scopes of which something is kept.
const maxScopes = 64

// Kept keeps what was counted for a scope. Who asks while another counts for the same
// scope waits for that. Its methods may be called at the same time.
type Kept[T any] struct {
	life time.Duration
	now  func() time.Time

	mu sync.Mutex
	of map[string]*kept[T]
}

type kept[T any] struct {
	mu    sync.Mutex
	until time.Time
	what  T
}

// NewKept returns a Kept whose contents are good for life.
func NewKept[T any](life time.Duration, now func() time.Time) *Kept[T] {
	return &Kept[T]{life: life, now: now, of: make(map[string]*kept[T])}
}

// Of returns what is kept for a scope, and has it counted where nothing good is. An
// error is not kept. Callers share what it returns and must not change it.
func (k *Kept[T]) Of(scope []string, count func() (T, error)) (T, error) {
	one := k.one(strings.Join(scope, "\x00")) // no tag has such a byte
	one.mu.Lock()
	defer one.mu.Unlock()
	if k.now().Before(one.until) {
		return one.what, nil
	}
	what, err := count()
	if err == nil {
		one.what, one.until = what, k.now().Add(k.life)
	}
	return what, err
}

// one returns the place of a scope. All others are dropped when there are too many.
func (k *Kept[T]) one(scope string) *kept[T] {
	k.mu.Lock()
	defer k.mu.Unlock()
	one := k.of[scope]
	if one == nil {
		if len(k.of) >= maxScopes {
			clear(k.of)
		}
		one = &kept[T]{}
		k.of[scope] = one
	}
	return one
}
