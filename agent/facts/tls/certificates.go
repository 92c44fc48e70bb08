package tls

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/tls/site"
	"seawall/pkg/certfile"
	"seawall/pkg/text"
)

// certificates reads the files that the sites name, each once.
func (r *reader) certificates() {
	at := map[string]int{}
	for i := range r.f.Sites {
		s := &r.f.Sites[i]
		for _, p := range s.Pairs {
			j, seen := at[p.Certificate]
			if !seen {
				if j = len(r.f.Certificates); j == maxFiles {
					r.leave("the sites have more certificates than are looked at", "certificates")
					continue
				}
				at[p.Certificate] = j
				r.f.Certificates = append(r.f.Certificates, Certificate{File: text.Clean(p.Certificate, text.Limit),
					UsedBy: []string{}, Uses: []site.Pair{}, Names: []string{}, Missing: []string{}, WeakSignatures: []string{}})
				r.depend(p.Certificate)
			}
			c := &r.f.Certificates[j]
			c.UsedBy = insert(c.UsedBy, s.Label)
			if len(c.Uses) < 16 { // the first one with a key is compared
				c.Uses = append(c.Uses, p)
			}
			c.Web = c.Web || !s.CatchAll && !(s.Mail && s.Program == "postfix")
			c.Managed = c.Managed || s.Managed
		}
	}
	store := r.store()
	for i := range r.f.Certificates {
		r.certificate(&r.f.Certificates[i], store)
	}
}

// certificate fills in one certificate.
func (r *reader) certificate(c *Certificate, store *certfile.Store) {
	p := c.Uses[0]
	data, err := r.root.ReadFile(p.Certificate, maxBytes)
	if err != nil {
		c.State, c.Reason = stateOf(err)
		return
	}
	sent, err := certfile.Certificates(data)
	if err != nil {
		c.State, c.Reason = fact.StateError, text.Clean(err.Error(), maxWord)
		if !errors.Is(err, certfile.ErrNone) { // OpenSSL may understand what Go does not
			c.State = fact.StateUnknown
		}
		return
	}
	if p.Chain != "" {
		r.depend(p.Chain)
		if data, err := r.root.ReadFile(p.Chain, maxBytes); err == nil {
			if more, err := certfile.Certificates(data); err == nil {
				sent = append(sent, more...)
			}
		}
	}
	c.State = fact.StateKnown
	r.describe(c, sent[0])
	r.chain(c, sent, store)
	r.match(c, sent[0])
	c.Lineage = r.lineage(p.Certificate, sent[0])
}

// lineage names what an ACME client renews the certificate as. A copy of its file
// is known by what is in it.
func (r *reader) lineage(file string, x *x509.Certificate) string {
	if r.leaves == nil {
		r.leaves = map[string]string{}
		for _, client := range r.f.Clients {
			for _, l := range client.Lineages {
				r.depend(l.Certificate)
				if data, err := r.root.ReadFile(l.Certificate, maxBytes); err == nil {
					if kept, err := certfile.Certificates(data); err == nil {
						r.leaves[string(kept[0].Raw)] = l.Name
					}
				}
			}
		}
	}
	for _, client := range r.f.Clients {
		for _, l := range client.Lineages {
			if l.Holds(file) {
				return l.Name
			}
		}
	}
	return r.leaves[string(x.Raw)]
}

// describe takes what the certificate says of itself.
func (r *reader) describe(c *Certificate, x *x509.Certificate) {
	c.Subject = text.Clean(certfile.Name(x.Subject.CommonName, x.Subject.Organization, ""), maxWord)
	c.Issuer = text.Clean(certfile.Name(x.Issuer.CommonName, x.Issuer.Organization, "an authority without a name"), maxWord)
	for _, n := range x.DNSNames {
		c.Names = insert(c.Names, text.Clean(n, maxWord))
	}
	for _, ip := range x.IPAddresses {
		c.Names = insert(c.Names, ip.String())
	}
	c.NotBefore, c.NotAfter = x.NotBefore.UTC().Format(time.RFC3339), x.NotAfter.UTC().Format(time.RFC3339)
	c.NotYet, c.Expired = r.now.Before(x.NotBefore), r.now.After(x.NotAfter)
	c.DaysLeft = days(x.NotAfter.Sub(r.now))
	c.LifeDays = days(x.NotAfter.Sub(x.NotBefore) + time.Second)
	c.Authority = x.BasicConstraintsValid && x.IsCA
	c.ServerUse, c.MustStaple = certfile.ForServers(x), certfile.MustStaple(x)
	c.KeyType, c.KeyBits = certfile.Algorithm(x)
	for i := range r.f.Sites {
		s := &r.f.Sites[i]
		if !slices.Contains(c.UsedBy, s.Label) || s.Mail {
			continue
		}
		for _, name := range s.Names {
			// A site may have a certificate for each kind of key, but each covers its names.
			if !certfile.Covers(x, name) {
				c.Missing = insert(c.Missing, name)
			}
		}
	}
}

// days are whole days, rounded down.
func days(d time.Duration) int { return int(math.Floor(d.Hours() / 24)) }

// chain judges the certificates that are sent.
func (r *reader) chain(c *Certificate, sent []*x509.Certificate, store *certfile.Store) {
	got := certfile.Judge(sent, store)
	c.Sent, c.SelfSigned = len(sent), got.SelfSigned
	reason := text.Clean(got.Reason, maxWord)
	c.Chain = fact.Tri{Known: !got.Unsure, Yes: got.Complete, Reason: reason}
	c.Trusted = fact.Tri{Known: store != nil && store.Len() > 0, Yes: got.Trusted, Reason: reason}
	if !c.Trusted.Known {
		c.Trusted.Reason = "this host has no store of authorities"
	}
	first := sent[0].NotAfter
	for i, x := range got.Path {
		root := i > 0 && x.Subject.String() == x.Issuer.String()
		if weak := certfile.Weak(x); weak != "" && !root {
			c.WeakSignatures = insert(c.WeakSignatures, text.Clean(weak+" on "+certfile.Name(x.Subject.CommonName, x.Subject.Organization, "it"), maxWord))
		}
		if i > 0 && x.NotAfter.Before(first) {
			first = x.NotAfter
			c.ChainExpires = x.NotAfter.UTC().Format(time.RFC3339)
		}
	}
}

// match compares the certificate with its key.
func (r *reader) match(c *Certificate, x *x509.Certificate) {
	i := slices.IndexFunc(c.Uses, func(p site.Pair) bool { return p.Key != "" })
	if i < 0 {
		c.KeyMatches.Reason = "no key is named for it"
		return
	}
	c.KeyFile = text.Clean(c.Uses[i].Key, text.Limit)
	key, err := r.private(c.Uses[i].Key)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the server does not start without it
		c.KeyMatches = fact.Tri{Known: true, Reason: "its key " + c.KeyFile + " does not exist"}
	case err != nil:
		c.KeyMatches.Reason = text.Clean(err.Error(), maxWord)
	case key.Encrypted:
		c.KeyMatches.Reason = "the key is encrypted"
	default:
		c.KeyMatches = fact.Tri{Known: true, Yes: key.Belongs(x), Reason: "its key is " + c.KeyFile}
		if !c.KeyMatches.Yes {
			c.KeyMatches.Reason = "not the certificate of " + c.KeyFile
		}
	}
}

// store reads the host's authorities, if any certificate is there to judge.
func (r *reader) store() *certfile.Store {
	if r.bundle == "" || len(r.f.Certificates) == 0 {
		return nil
	}
	data, err := r.root.ReadFile(r.bundle, 4<<20)
	if err != nil || !strings.Contains(string(data), "BEGIN CERTIFICATE") {
		return nil
	}
	return certfile.NewStore(data)
}
