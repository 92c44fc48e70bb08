package trail

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"seawall/collector/db"
)

// wholeEvery is how often the whole trail is read again.
const wholeEvery = 10 * time.Minute

// Checked verifies a trail for many who ask: the whole of it now and then, and between
// what came since. An older entry that is altered meanwhile is told when the whole is read
// again. A trail whose end was cut off, or that was made anew, is told of until the program
// ends: it knows better. The zero value has verified nothing.
type Checked struct {
	mu    sync.Mutex
	from  int64 // after which number the chain began; this and all below are guarded by mu
	seq   int64 // up to which it held
	hash  []byte
	whole time.Time // when all of it was read; zero when it is to be
}

// Verify returns how many entries hold, as the function of that name does.
func (c *Checked) Verify(ctx context.Context, r db.Querier, now time.Time) (n int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, hash, err := start(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("verify the audit trail: %w", err)
	}
	held, err := c.holds(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("verify the audit trail: %w", err)
	}
	if !held && c.seq > from && c.hash != nil {
		return 0, fmt.Errorf("verify the audit trail: entry %d held before and is gone, or another: %w", c.seq, ErrBroken)
	}
	if age := now.Sub(c.whole); !held || from != c.from || age < 0 || age >= wholeEvery {
		c.from, c.seq, c.hash, c.whole = from, from, hash, now
	}
	c.seq, c.hash, err = follow(ctx, r, c.seq, c.hash, func(*Entry) {})
	if err != nil {
		c.whole = time.Time{} // whoever asks next is told, too
		return c.seq - c.from, fmt.Errorf("verify the audit trail: %w", err)
	}
	return c.seq - c.from, nil
}

// Whole returns when the whole trail was read last, and the zero time before that and
// after something was wrong.
func (c *Checked) Whole() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.whole
}

// holds reports whether the entry up to which the chain held is there as it was.
func (c *Checked) holds(ctx context.Context, r db.Querier) (bool, error) {
	var hash []byte
	found, err := db.One(ctx, r, "SELECT hash FROM trail WHERE seq = ?", []any{c.seq}, &hash)
	return found && bytes.Equal(hash, c.hash), err
}
