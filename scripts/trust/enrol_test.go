package trust

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/agent/enrol"
	"seawall/agent/identity"
	"seawall/agent/machine"
	"seawall/agent/uplink"
	collectorenrol "seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/pkg/token"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// newMember is a host that is enrolled and delivers.
func newMember(t *testing.T, c *collector, droplet string) *host {
	t.Helper()
	h := newHost(t, c, droplet)
	h.give(c.invite(collectorenrol.Invitation{}))
	h.start()
	h.delivers()
	return h
}

// told waits for an event in a host's timeline whose texts hold all of words.
func (c *collector) told(host string, words ...string) {
	c.t.Helper()
	events, err := c.store.Timeline(c.t.Context(), fleet.TimelineQuery{Host: fleet.HostID(host), Limit: 200})
	if err != nil {
		c.t.Fatal(err)
	}
	var all []string
	for _, e := range events {
		text := fmt.Sprintf("%+v", e.Change)
		found := true
		for _, word := range words {
			found = found && contains(text, word)
		}
		if found {
			return
		}
		all = append(all, text)
	}
	c.t.Errorf("no event tells %q:\n%s", words, strings.Join(all, "\n"))
}

func TestEnrolOnce(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	id := h.id.Host()
	if m := c.member(id); m.Machine.DropletID != "1" || m.Standing != fleet.Active {
		t.Errorf("%+v", m)
	}
	if _, err := os.Lstat(filepath.Join(h.dir, "token")); err == nil {
		t.Error("the token is still there")
	}
	h.end()
	h.start()
	h.delivers()
	if h.id.Host() != id || c.enrolments() != 1 {
		t.Errorf("is %s after a restart, was %s; asked %d times", h.id.Host(), id, c.enrolments())
	}
}

// TestLostReply cuts the connection after the collector admitted the host: it is the
// same host that asks again, and the token is used once.
func TestLostReply(t *testing.T) {
	c := newCollector(t)
	w := newWire(t, c.address)
	var cuts int
	c.before = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if cuts++; cuts <= 3 {
			w.cut()
		}
	}
	h := newHost(t, c, "1")
	h.collector = w.address
	h.give(c.invite(collectorenrol.Invitation{}))
	h.start()
	h.delivers()
	members, err := c.store.Members(t.Context())
	if err != nil || len(members) != 1 || string(members[0].Host) != h.id.Host() {
		t.Errorf("members %v, %v", members, err)
	}
	if n := c.enrolments(); n < 4 {
		t.Errorf("asked %d times", n)
	}
	tokens, err := c.store.Tokens(t.Context())
	if err != nil || len(tokens) != 1 || tokens[0].Used != 1 {
		t.Errorf("tokens %+v, %v", tokens, err)
	}
}

// TestReplay presents a used token from another host: it is refused and told so,
// and the host that the token admitted has it in its timeline.
func TestReplay(t *testing.T) {
	c := newCollector(t)
	token := c.invite(collectorenrol.Invitation{})
	h, thief := newHost(t, c, "1"), newHost(t, c, "2")
	h.give(token)
	h.start()
	h.delivers()
	thief.give(token)
	thief.start()
	thief.refused("token used up")
	c.told(h.id.Host(), "token used twice", "127.0.0.1", "web2")
	// A new token helps, while it runs.
	thief.give(c.invite(collectorenrol.Invitation{}))
	thief.delivers()
}

func TestTokenEnds(t *testing.T) {
	c := newCollector(t)
	expired := c.invite(collectorenrol.Invitation{TTL: time.Hour})
	revoked := c.invite(collectorenrol.Invitation{TTL: 3 * time.Hour})
	scoped := c.invite(collectorenrol.Invitation{TTL: 3 * time.Hour, Scope: fleet.Scope{Name: "db*"}})
	parsed, err := token.Parse(revoked)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.enrolment.Withdraw(t.Context(), hex.EncodeToString(parsed.ID[:])); err != nil {
		t.Fatal(err)
	}
	c.clock.advance(time.Hour + time.Minute)
	for word, text := range map[string]string{"token expired": expired, "token revoked": revoked, "token scope": scoped} {
		h := newHost(t, c, "1")
		h.give(text)
		h.start()
		h.refused(word)
		if h.id.Enrolled() {
			t.Errorf("%s: enrolled", word)
		}
	}
}

// TestTheft has eight hosts present one token at once: exactly one is admitted.
func TestTheft(t *testing.T) {
	c := newCollector(t)
	token := c.invite(collectorenrol.Invitation{})
	hosts := make([]*host, 8)
	for i := range hosts {
		hosts[i] = newHost(t, c, fmt.Sprint(i))
		hosts[i].give(token)
	}
	var g sync.WaitGroup
	for _, h := range hosts {
		g.Go(h.start)
	}
	g.Wait()
	admitted := 0
	for _, h := range hosts {
		h.await("an answer", func(e enrol.State, _ uplink.State) bool { return e.Phase == enrol.Enrolled || e.Phase == enrol.Refused })
		if h.id.Enrolled() {
			admitted++
			h.delivers()
		} else {
			h.refused("token used up")
		}
	}
	if members, err := c.store.Members(t.Context()); admitted != 1 || len(members) != 1 || err != nil {
		t.Errorf("%d admitted, %d members, %v", admitted, len(members), err)
	}
}

// TestWrongCollector has another collector answer: it is told nothing.
func TestWrongCollector(t *testing.T) {
	c, other := newCollector(t), newCollector(t)
	h := newHost(t, other, "1")
	h.give(c.invite(collectorenrol.Invitation{}))
	h.start()
	h.await("disbelief", func(e enrol.State, _ uplink.State) bool { return e.Phase == enrol.Trying && contains(e.Problem, "pin") })
	h.end()
	if n := other.enrolments(); n != 0 {
		t.Errorf("the other was asked %d times", n)
	}
	// The token is still good.
	h.collector = c.address
	h.start()
	h.delivers()
}

// TestImage starts two hosts from one image with a reusable token for copies: each
// is itself, and neither delivers as the original.
func TestImage(t *testing.T) {
	c := newCollector(t)
	original := newMember(t, c, "1")
	original.keepToken = true
	original.give(c.invite(collectorenrol.Invitation{Uses: 5, Scope: fleet.Scope{Clones: true}}))
	original.end()
	copies := []*host{original.copyTo(c, "2"), original.copyTo(c, "3")}
	original.start()
	seen := map[string]bool{original.id.Host(): true}
	for _, h := range copies {
		h.start()
		h.delivers()
		if m := c.member(h.id.Host()); seen[h.id.Host()] || string(m.CloneOf) != original.id.Host() || m.Machine.DropletID != h.machine.DropletID {
			t.Errorf("%s: is %s: %+v", h.machine.HostName, h.id.Host(), m)
		}
		seen[h.id.Host()] = true
	}
	original.delivers()
	if m := c.member(original.id.Host()); m.Standing != fleet.Active {
		t.Errorf("original: %+v", m)
	}
	// Who is no copy cannot use that token.
	stranger := newHost(t, c, "4")
	stranger.give(c.invite(collectorenrol.Invitation{Scope: fleet.Scope{Clones: true}}))
	stranger.start()
	stranger.refused("token scope")
}

// TestCloneWaits has a copy without a token wait for a person.
func TestCloneWaits(t *testing.T) {
	c := newCollector(t)
	original := newMember(t, c, "1")
	host1 := original.id.Host()
	original.end()
	clones := []*host{original.copyTo(c, "2"), original.copyTo(c, "3")}
	original.start()
	decisions := []fleet.Decision{fleet.Approved, fleet.Rejected}
	for i, h := range clones {
		h.start()
		h.await("waiting", func(e enrol.State, _ uplink.State) bool { return e.Phase == enrol.Pending && e.CopyOf == host1 })
		requests, err := c.store.Requests(t.Context())
		if !slices.ContainsFunc(requests, func(r fleet.Request) bool {
			return r.ID == h.id.KeyID() && string(r.CloneOf) == host1 && r.Decision == fleet.Waiting
		}) {
			t.Errorf("requests %+v, %v, key %s", requests, err, h.id.KeyID())
		}
		if _, err := c.enrolment.Decide(t.Context(), h.id.KeyID(), decisions[i]); err != nil {
			t.Fatal(err)
		}
	}
	clones[0].delivers()
	if host := clones[0].id.Host(); host == host1 || string(c.member(host).CloneOf) != host1 {
		t.Errorf("the copy is %s, of %s", host, c.member(host).CloneOf)
	}
	if _, err := clones[0].id.Original(); err == nil {
		t.Error("the copy still has the original's key")
	}
	clones[1].refused("rejected")
	c.told(host1, "clone", "web1")
	original.delivers()
}

// TestApproval holds every host until a person says yes.
func TestApproval(t *testing.T) {
	c := newCollector(t)
	h := newHost(t, c, "1")
	h.give(c.invite(collectorenrol.Invitation{Approval: true}))
	h.start()
	h.await("waiting", func(e enrol.State, _ uplink.State) bool { return e.Phase == enrol.Pending })
	h.end()
	h.start() // a restart waits on under the same key
	if _, err := c.enrolment.Decide(t.Context(), h.id.KeyID(), fleet.Approved); err != nil {
		t.Fatal(err)
	}
	h.delivers()
}

// TestSecretsStay looks for a token's secret in every file of both sides.
func TestSecretsStay(t *testing.T) {
	c := newCollector(t)
	token := c.invite(collectorenrol.Invitation{})
	h := newHost(t, c, "1")
	h.give(token)
	h.start()
	h.delivers()
	h.end()
	c.end()
	secret := token[len("seawall1_")+12:][:16]
	for _, dir := range []string{c.dir, h.dir, h.spoolDir} {
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(name)
			if contains(string(b), secret) {
				t.Errorf("%s holds the secret", name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := identity.Read(h.dir); err != nil {
		t.Error(err)
	}
}

// TestThousand enrols a thousand hosts at once with one token: each is one host.
func TestThousand(t *testing.T) {
	const hosts = 1000
	c := newCollector(t)
	text := c.invite(collectorenrol.Invitation{Uses: hosts})
	var mu sync.Mutex
	seen := map[string]bool{}
	began := time.Now()
	var g errgroup.Group
	for i := range hosts {
		h := &host{t: t, clock: c.clock, dir: t.TempDir(), collector: c.address, noted: make(chan struct{}, 1),
			machine: machine.Machine{HostName: fmt.Sprint("web", i), DropletID: fmt.Sprint(i)}}
		h.give(text)
		g.Go(func() error {
			id, err := identity.Open(h.dir, identity.Config{Now: c.clock.Now})
			if err != nil {
				return err
			}
			h.id = id
			if err := h.enrolment(slog.New(slog.DiscardHandler)).Ensure(t.Context()); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			seen[id.Host()] = true
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d hosts in %v", hosts, time.Since(began).Round(time.Millisecond))
	members, err := c.store.Members(t.Context())
	if err != nil || len(members) != hosts || len(seen) != hosts {
		t.Errorf("%d members, %d hosts, %v", len(members), len(seen), err)
	}
	for _, m := range members {
		if !seen[string(m.Host)] {
			t.Errorf("%s is a member that no host is", m.Host)
		}
	}
}
