package feed

import (
	"strconv"
	"sync"
	"testing"

	"seawall/collector/fleet"
)

func update(n int) fleet.Update { return fleet.Update{Host: fleet.HostID(strconv.Itoa(n))} }

func feedOf() *Feed[fleet.Update] {
	return New(func(u fleet.Update) fleet.Update { u.Lost = true; return u })
}

func TestSlowSubscriberIsTold(t *testing.T) {
	f := feedOf()
	slow, cancelSlow := f.Subscribe(1)
	quick, cancelQuick := f.Subscribe(10)
	defer cancelSlow()
	defer cancelQuick()
	for n := range 3 {
		f.Publish(update(n))
	}
	if u := <-slow; u.Host != "0" || u.Lost {
		t.Errorf("first: %+v", u)
	}
	f.Publish(update(3))
	if u := <-slow; u.Host != "3" || !u.Lost {
		t.Errorf("after a loss: %+v", u)
	}
	f.Publish(update(4))
	if u := <-slow; u.Host != "4" || u.Lost {
		t.Errorf("once told: %+v", u)
	}
	for n := range 5 {
		if u := <-quick; u.Host != update(n).Host || u.Lost {
			t.Errorf("quick subscriber: %+v, want %d", u, n)
		}
	}
}

func TestEnds(t *testing.T) {
	f := feedOf()
	one, cancel := f.Subscribe(0)
	two, _ := f.Subscribe(0)
	cancel()
	cancel()
	f.Publish(update(1))
	if _, open := <-one; open {
		t.Error("an ended subscription gets updates")
	}
	f.Close()
	if u, open := <-two; !open || u.Host != "1" {
		t.Error("what was published before Close is lost")
	}
	if _, open := <-two; open {
		t.Error("open after Close")
	}
	cancel()
	if late, _ := f.Subscribe(1); late != nil {
		if _, open := <-late; open {
			t.Error("a subscription after Close is open")
		}
	}
	f.Publish(update(2))
}

// TestAtOnce is for the race detector.
func TestAtOnce(t *testing.T) {
	f := feedOf()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				updates, cancel := f.Subscribe(1)
				f.Publish(update(0))
				<-updates
				cancel()
			}
		})
	}
	wg.Wait()
	f.Close()
}
