package tls

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/tls/mail"
	"seawall/agent/facts/tls/proxy"
	"seawall/agent/facts/tls/renewal"
	"seawall/agent/facts/tls/site"
	"seawall/agent/facts/tls/web"
	"seawall/pkg/certfile"
	"seawall/pkg/hostfs"
)

// Bounds of what is read.
const (
	maxFiles   = 1000 // certificates, and as many keys
	maxDepends = 2000
	maxBytes   = 1 << 20
	maxWord    = 512  // bytes of what is shown
	maxUses    = 2000 // names of a list: as many as there are sites
)

// Read returns what the host offers over TLS.
func Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	r := &reader{root: env.Root, now: env.Now(), public: map[string]certfile.Key{}}
	r.f = Facts{Meta: fact.Meta{State: fact.StateKnown}, Certificates: []Certificate{}, Keys: []Key{}, Parameters: []Parameters{}}
	r.openSSL()
	r.sites()
	r.trust()
	renewed := renewal.Read(ctx, env)
	if r.f.Clients = renewed.Clients; renewed.Left != "" {
		r.leave(renewed.Left, "clients", "certificates")
	}
	r.f.Meta.Depend(renewed.Depends...)
	r.certificates()
	r.keys()
	r.parameters()
	r.f.Meta.Took = time.Since(start)
	return r.f
}

// sites reads the servers' configurations.
func (r *reader) sites() {
	found := site.NewReader(r.root)
	web.NGINX(found)
	web.Apache(found)
	proxy.HAProxy(found)
	proxy.Caddy(found)
	mail.Postfix(found)
	mail.Dovecot(found)
	found.Finish()
	if found.Left != "" {
		r.leave(found.Left, "sites", "certificates", "keys", "parameters")
	}
	lib := library{major: major(r.f.OpenSSL.Version), level: r.f.OpenSSL.Level, minProtocol: r.f.OpenSSL.MinProtocol.Value}
	r.f.Servers, r.f.Sites = []site.Server{}, append([]site.Site{}, found.Sites...)
	for _, s := range found.Servers {
		r.f.Servers = append(r.f.Servers, *s)
	}
	known := map[string]ciphers{}
	for i := range r.f.Sites {
		offer(&r.f.Sites[i], lib, judge(r.f.Sites[i].Ciphers.Value, known))
	}
	r.f.Meta.Depend(found.Depends...)
}

type reader struct {
	root   hostfs.Root
	now    time.Time
	f      Facts
	bundle string                  // the authorities' file
	public map[string]certfile.Key // of the keys read so far
	leaves map[string]string       // certificates that a client renews, and their lineages; nil until asked for
}

// leave says that lists are not all there is.
func (r *reader) leave(why string, lists ...string) {
	for _, list := range lists {
		r.f.Meta.Leave(list, why)
	}
}

// stateOf is what an error says of a file.
func stateOf(err error) (fact.State, string) {
	var m fact.Meta
	m.State = fact.StateKnown
	switch {
	case err == nil:
		return fact.StateKnown, ""
	case errors.Is(err, fs.ErrNotExist):
		return fact.StateAbsent, "the file does not exist"
	}
	m.Fail("read", err)
	return m.State, m.Reason
}

// final is the name that links lead to, and everything that is passed on the way.
func (r *reader) final(name string) (target string, passed []string) {
	for range 16 {
		passed = append(passed, name)
		to, err := r.root.Readlink(name)
		if err != nil {
			break
		}
		if !strings.HasPrefix(to, "/") {
			to = path.Join(path.Dir(name), to)
		}
		name = path.Clean(to)
	}
	return name, passed
}

func (r *reader) depend(name string) {
	if len(r.f.Meta.Depends) > maxDepends {
		return
	}
	_, passed := r.final(name)
	r.f.Meta.Depend(passed...)
}

// major is the first number of a version.
func major(version string) int {
	if version == "" || version[0] < '0' || version[0] > '9' {
		return 0
	}
	return int(version[0] - '0')
}

// insert adds a word to a list that has each once. There are no more users of a file
// than that; of other lists it counts that they are not empty.
func insert(list []string, word string) []string {
	if slices.Contains(list, word) || len(list) >= maxUses {
		return list
	}
	return append(list, word)
}
