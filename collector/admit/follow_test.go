package admit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seawall/collector/authority"
	"seawall/collector/fleet"
)

// TestLook has many ask at once: they share one look, that began after each asked.
func TestLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began atomic.Int64 // when the last look began
		var n atomic.Int64
		l := &look{every: time.Second, do: func(context.Context) error {
			began.Store(time.Now().UnixNano())
			n.Add(1)
			<-time.After(100 * time.Millisecond)
			return nil
		}}
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				<-time.After(time.Duration(i) * 30 * time.Millisecond)
				asked := time.Now().UnixNano()
				if err := l.after(t.Context()); err != nil || began.Load() < asked {
					t.Errorf("asked at %d, looked at %d, %v", asked, began.Load(), err)
				}
			})
		}
		wg.Wait()
		if n := n.Load(); n < 3 || n > 6 { // 3 s of asking, one a second
			t.Errorf("%d looks", n)
		}
	})
}

// TestLookFails tells all who wait, and one who leaves does not take it from the others.
func TestLookFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sorry := errors.New("no server")
		l := &look{every: time.Second, last: time.Now(), do: func(context.Context) error { return sorry }}
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := l.after(ctx); err == nil {
				t.Error("no error for one who left")
			}
		})
		wg.Go(func() {
			if err := l.after(t.Context()); !errors.Is(err, sorry) {
				t.Errorf("%v", err)
			}
		})
		synctest.Wait()
		leave()
		wg.Wait()
	})
}

// TestPending gathers news, and gives up on names when there are too many.
func TestPending(t *testing.T) {
	var p pending
	p.add(fleet.News{Members: []fleet.HostID{"a"}, Topics: []string{"accounts"}})
	if p.all || p.authority || len(p.members) != 1 {
		t.Errorf("%+v", p)
	}
	p.add(fleet.News{Topics: []string{"accounts", authority.Topic}})
	if p.all || !p.authority {
		t.Errorf("%+v", p)
	}
	p.add(fleet.News{Members: make([]fleet.HostID, mostNews)})
	if !p.all || len(p.members) != 0 {
		t.Errorf("%d members, all %v", len(p.members), p.all)
	}
	p = pending{}
	if p.add(fleet.News{Lost: true}); !p.all || !p.authority {
		t.Errorf("%+v", p)
	}
}
