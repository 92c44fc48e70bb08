package web_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/session"
)

// TestFilesAtATime: few files are made at a time, of all and of one user, whichever way they
// are asked for; who is refused is told why; and a reader that goes away gives its slot back.
func TestFilesAtATime(t *testing.T) {
	c := withRoles(config(demoFleet(demoNow)))
	begun, end := make(chan string, 8), make(chan struct{})
	c.Exported = func(ctx context.Context, who, _ string) error {
		begun <- who
		select {
		case <-ctx.Done():
		case <-end:
		}
		return ctx.Err()
	}
	base := serve(t, newServer(t, c))
	ask := func(ctx context.Context, who, path string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer swc_"+who)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil // it went away
		}
		t.Cleanup(func() { a.Body.Close() })
		return a
	}
	first, away := context.WithCancel(t.Context())
	answers := make(chan *http.Response, 8)
	for _, a := range []struct {
		ctx       context.Context
		who, path string
	}{
		{first, "viewer", "/hosts/export"}, {t.Context(), "viewer", "/patches/advisories/export"},
		{t.Context(), "operator", "/hosts/export?format=json"}, {t.Context(), "operator", "/hosts/export"},
	} {
		go func() { answers <- ask(a.ctx, a.who, a.path) }()
		<-begun
	}
	refused := func(who, path, kind, says string) {
		t.Helper()
		a := ask(t.Context(), who, path)
		body, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "10" ||
			!strings.HasPrefix(a.Header.Get("Content-Type"), kind) || !strings.Contains(string(body), says) {
			t.Errorf("%s %s: %d %v %s %v", who, path, a.StatusCode, a.Header, body, err)
		}
	}
	refused("viewer", "/hosts/export", "text/html", "Your account has as many")
	refused("viewer", "/api/v1/export", "application/problem+json", "Your account has as many")
	refused("admin", "/patches/advisories/export", "text/html", "Others have as many")
	refused("admin", "/api/v1/export", "application/problem+json", "Others have as many")
	if a := ask(t.Context(), "viewer", "/api/v1/hosts"); a.StatusCode != http.StatusOK {
		t.Errorf("what is no file: %d", a.StatusCode)
	}
	if len(begun) > 0 {
		t.Error("one that was refused was begun")
	}

	away()
	if a := <-answers; a != nil {
		t.Errorf("who went away was answered: %d", a.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { // until the server knows that the reader is gone
		for a := ask(ctx, "admin", "/hosts/export"); ; a = ask(ctx, "admin", "/hosts/export") {
			if a == nil || a.StatusCode != http.StatusTooManyRequests {
				answers <- a
				return
			}
		}
	}()
	select {
	case who := <-begun:
		if who != "admin" {
			t.Errorf("%s was let in", who)
		}
	case <-ctx.Done():
		t.Fatal("the slot was not given back")
	}
	close(end)
	for range 4 {
		if a := <-answers; a == nil || a.StatusCode != http.StatusOK {
			t.Errorf("a file that was under way: %v", a)
		}
	}
	if a := ask(t.Context(), "viewer", "/hosts/export"); a.StatusCode != http.StatusOK {
		t.Errorf("after them: %d", a.StatusCode)
	}
}

// endless are lists of hosts without an end.
type endless struct{ frame.Lists }

func (endless) HostPage(ctx context.Context, q fleet.HostQuery) (fleet.HostPage, error) {
	return fleet.HostPage{Total: math.MaxInt, Hosts: slices.Repeat([]fleet.Host{{ID: "0123456789abcdef0123456789abcdef"}}, q.Size)}, ctx.Err()
}

// TestFileEnds: a file that is under way is cut off when who reads it is signed out, the token
// ends, or has another scope.
func TestFileEnds(t *testing.T) {
	c := withRoles(config(demoFleet(demoNow)))
	c.Lists = endless{c.Lists}
	var ended, narrowed atomic.Bool
	who := c.Bearer
	c.Bearer = func(ctx context.Context, token string) (session.Who, error) {
		w, err := who(ctx, token)
		switch {
		case ended.Load() && w.User == "viewer":
			return session.Who{}, fs.ErrNotExist
		case narrowed.Load() && w.User == "operator":
			w.Scope = []string{"web"}
		}
		return w, err
	}
	server := newServer(t, c)
	base := serve(t, server)
	person := browse(t, base)
	person.loginAs("admin")
	for name, one := range map[string]struct {
		ask  func(*http.Request) *http.Client
		ends func()
	}{
		"signed out": {func(*http.Request) *http.Client { return person.http }, func() { server.EndUser("admin") }},
		"the token": {func(r *http.Request) *http.Client {
			r.Header.Set("Authorization", "Bearer swc_viewer")
			return http.DefaultClient
		}, func() { ended.Store(true) }},
		"another scope": {func(r *http.Request) *http.Client {
			r.Header.Set("Authorization", "Bearer swc_operator")
			return http.DefaultClient
		}, func() { narrowed.Store(true) }},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/hosts/export", nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := one.ask(r).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, a.Body, 1<<20); err != nil || a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, %d bytes, %v", name, a.StatusCode, n, err)
		}
		one.ends()
		if n, err := io.Copy(io.Discard, a.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: after %d bytes more: %v", name, n, err)
		}
		a.Body.Close()
	}
}
