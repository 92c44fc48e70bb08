package tls

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"seawall/agent/facts/fact"
	"seawall/pkg/distro"
	"seawall/pkg/opensslconf"
	"seawall/pkg/text"
)

const (
	policyConfig = "/etc/crypto-policies/config"
	policyState  = "/etc/crypto-policies/state/current"
)

// openSSL reads the library's version and what openssl.cnf sets for all programs.
func (r *reader) openSSL() {
	o := &r.f.OpenSSL
	for _, dir := range []string{"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"} {
		for _, v := range []string{"3", "1.1"} {
			if _, err := r.root.Stat(path.Join(dir, "libssl.so."+v)); err == nil && o.Version == "" {
				o.Installed, o.Version = true, v
			}
		}
	}
	o.Level = 1
	for _, name := range distro.Files() {
		if b, err := r.root.ReadFile(name, 0); err == nil {
			if distro.ParseOS(b).Family() == "debian" {
				o.Level = 2
			}
			break
		}
	}
	o.LevelKnown = true
	for _, name := range opensslconf.Paths() {
		conf, err := opensslconf.Load(r.root, name)
		r.f.Meta.Depend(conf.Files...)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			o.LevelKnown, o.Reason = false, text.Clean(err.Error(), maxWord)
			break
		}
		o.File = name
		o.MinProtocol, o.CipherString = fact.Text(conf.System("MinProtocol")), fact.Text(conf.System("CipherString"))
		if level := opensslconf.Parse(o.CipherString.Value).Level; level >= 0 {
			o.Level = level
		}
		break
	}
	r.policy()
}

// policy reads the policy of crypto-policies, where there is one.
func (r *reader) policy() {
	r.f.Meta.Depend(policyConfig, policyState)
	for _, name := range []string{policyState, policyConfig} {
		data, err := r.root.ReadFile(name, 64<<10)
		if err != nil {
			continue
		}
		number := 0
		for line := range strings.Lines(string(data)) {
			number++
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				line = text.Clean(line, maxWord)
				r.f.OpenSSL.Policy = fact.Text{Value: line, Set: true, File: name, Line: number, Raw: line}
				return
			}
		}
	}
}

// trust looks at the store of authorities: its bundle, what the host's owner added,
// and who may write there.
func (r *reader) trust() {
	t := &r.f.Trust
	t.Added, t.Open = []fact.Text{}, []fact.Text{}
	for _, name := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"} {
		r.f.Meta.Depend(name)
		if fi, err := r.root.Stat(name); err == nil && fi.Mode().IsRegular() && t.File == "" {
			t.File, r.bundle = name, name
		}
		r.writable(name)
		r.writable(path.Dir(name))
	}
	for _, dir := range []string{"/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"} {
		r.f.Meta.Depend(dir + "/")
		r.writable(dir)
		r.added(dir, 0)
	}
}

// added lists the authorities below a directory.
func (r *reader) added(dir string, depth int) {
	const deepest = 3
	names, err := r.root.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		r.leave(text.Clean(err.Error(), maxWord), "trust.open", "trust.added")
		return
	case depth > deepest && len(names) > 0 || len(names) > maxFiles:
		r.leave("there are more authorities than are looked at", "trust.open", "trust.added")
	}
	if depth > deepest {
		return
	}
	for _, n := range names[:min(len(names), maxFiles)] {
		name := path.Join(dir, n)
		fi, err := r.root.Stat(name)
		switch {
		case err != nil:
		case fi.IsDir():
			r.added(name, depth+1)
		case slices.Contains([]string{".crt", ".pem", ".cer"}, path.Ext(n)):
			if r.writable(name); len(r.f.Trust.Added) == 100 { // that there is one counts
				continue
			}
			r.f.Trust.Added = append(r.f.Trust.Added, fact.Text{Value: text.Clean(n, maxWord), Set: true, File: text.Clean(name, text.Limit)})
		}
	}
}

// writable notes a file or directory of the store that others than root may write.
func (r *reader) writable(name string) {
	fi, err := r.root.Stat(name)
	if err != nil || len(r.f.Trust.Open) >= 100 { // that there is one counts
		return
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	m := fi.Mode().Perm()
	if ok && (st.Uid != 0 || m&0o002 != 0 || m&0o020 != 0 && st.Gid != 0 && st.Gid != staff) {
		r.f.Trust.Open = append(r.f.Trust.Open, fact.Text{Value: fi.Mode().String(), Set: true, File: text.Clean(name, text.Limit)})
	}
}

// staff is the group that Debian gives /usr/local to; nobody is in it.
const staff = 50
