package sshd

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/sshdconf"
	"seawall/pkg/sshdconf/corpus"
)

func valuesOf(settings map[string]Setting) map[string][]string {
	out := map[string][]string{}
	for keyword, s := range settings {
		out[keyword] = s.Values
	}
	return out
}

// On every case the answer for a connection is the real sshd's, and the recorded
// one where this is the release that it was recorded with.
func TestAskConnectionIsTheRealServersAnswer(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			h := newHost(t)
			h.stage(&c)
			for spec, want := range map[string]corpus.Answer{c.Spec: c.Expected, "": c.Global} {
				truth, stderr, ok := h.truth(spec)
				got, err := AskConnection(t.Context(), h.env, spec)
				var refused *RefusedError
				if errors.As(err, &refused) {
					if ok {
						t.Fatalf("-C %q: refused, sshd accepts: %v", spec, err)
					}
					if !strings.Contains(strings.ReplaceAll(stderr, "\r", ""), strings.Split(refused.Message, "\n")[0]) {
						t.Errorf("-C %q: message %q is not sshd's %q", spec, refused.Message, stderr)
					}
				} else if err != nil || !ok {
					t.Fatalf("-C %q: %v; sshd says %q", spec, err, stderr)
				} else if diff := cmp.Diff(truth, valuesOf(got)); diff != "" {
					t.Errorf("-C %q: -sshd +answer\n%s", spec, diff)
				}
				if findServer(h.env).version != "OpenSSH_9.2p1" {
					continue
				}
				if recorded := sshdconf.ParseDump(want.Stdout); ok && !maps.EqualFunc(recorded, valuesOf(got), slices.Equal) {
					t.Errorf("-C %q: -recorded +answer\n%s", spec, cmp.Diff(recorded, valuesOf(got)))
				}
				if ok != (want.Exit == 0) {
					t.Errorf("-C %q: sshd accepts: %v, recorded exit %d", spec, ok, want.Exit)
				}
			}
		})
	}
}

// The worst over all connections is what a whole grid of them gave when the
// corpus was made, and a refused configuration is an error with a place.
func TestReadFindsTheWorst(t *testing.T) {
	order := []string{"-", "no", "forced-commands-only", "without-password", "yes"}
	worse := func(a, b string) string { return order[max(slices.Index(order, a), slices.Index(order, b))] }
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			h := newHost(t)
			h.stage(&c)
			f := Read(t.Context(), h.env)
			if f.ByParser {
				t.Fatalf("not sshd's word: %s", f.ParserReason)
			}
			root, password := "-", "-"
			for _, conn := range f.Connections {
				if conn.Root {
					root = worse(root, conn.Settings["permitrootlogin"].Value)
				}
				password = worse(password, conn.Settings["passwordauthentication"].Value)
			}
			if root != c.WorstRootLogin || password != c.WorstPassword {
				t.Errorf("worst PermitRootLogin %s, PasswordAuthentication %s; want %s, %s", root, password, c.WorstRootLogin, c.WorstPassword)
			}
			if (f.Refused != "") != (c.WorstPassword == "-") || (f.Meta.State == fact.StateError) != (f.Refused != "") {
				t.Errorf("state %s, refused %q, worst password %s", f.Meta.State, f.Refused, c.WorstPassword)
			}
			if f.Refused != "" && len(f.Meta.Evidence) == 0 {
				t.Errorf("refused without a place: %q", f.Refused)
			}
		})
	}
}

// other is a valid value of a keyword that is not the one given.
func other(keyword, value string) string {
	choices := map[string][]string{
		"permitrootlogin": {"forced-commands-only", "no"}, "maxauthtries": {"77"}, "logingracetime": {"77"}, "port": {"7777"},
		"clientaliveinterval": {"77"}, "clientalivecountmax": {"77"}, "maxsessions": {"77"}, "loglevel": {"VERBOSE", "DEBUG3"},
		"ciphers": {"3des-cbc", "aes128-cbc"}, "macs": {"hmac-md5"}, "kexalgorithms": {"diffie-hellman-group1-sha1"},
		"pubkeyacceptedalgorithms": {"ssh-dss"}, "hostkeyalgorithms": {"ssh-dss"}, "authenticationmethods": {"publickey"},
		"allowusers": {"zz"}, "denyusers": {"zz"}, "allowgroups": {"zz"}, "denygroups": {"zz"}, "acceptenv": {"ZZ"},
		"authorizedkeysfile": {"/zz"}, "hostkey": {"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key"},
		"listenaddress": {"192.0.2.77:7777"}, "syslogfacility": {"LOCAL7", "LOCAL6"}, "subsystem": {"zz /zz"},
		"permituserenvironment": {"ZZ"}, "banner": {"/zz"}, "forcecommand": {"/zz"}, "chrootdirectory": {"/zz"},
		"allowtcpforwarding": {"remote", "local"}, "maxstartups": {"7:77:777"}, "authenticationmethods ": {"any"},
	}[keyword]
	if choices == nil {
		choices = []string{"yes", "no"}
	}
	for _, v := range choices {
		if v != value {
			return v
		}
	}
	return choices[0]
}

// A value is set at the line that is named: when another value is written there,
// the real sshd's answer follows. A value that no line sets is the one that the
// real sshd has for an empty file.
func TestProvenance(t *testing.T) {
	checked := 0
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			h := newHost(t)
			h.write("sshd_config", "")
			empty, _, ok := h.truth("")
			if !ok {
				t.Fatal("sshd refuses an empty file")
			}
			if err := os.Remove(filepath.Join(h.ssh, "sshd_config")); err != nil {
				t.Fatal(err)
			}
			h.stage(&c)
			settings, err := AskConnection(t.Context(), h.env, c.Spec)
			if err != nil {
				return // refused: there is nothing to place
			}
			for keyword, s := range settings {
				if !s.Set {
					if !slices.Equal(s.Values, empty[keyword]) {
						t.Errorf("%s %q is not the default %q and has no place", keyword, s.Values, empty[keyword])
					}
					continue
				}
				checked++
				h.follows(keyword, s, c.Spec, settings)
			}
		})
	}
	if checked < 150 {
		t.Errorf("only %d places checked", checked)
	}
}

// follows writes another value at the place of a setting, and asks sshd.
func (h *host) follows(keyword string, s Setting, spec string, settings map[string]Setting) {
	h.t.Helper()
	name := strings.TrimPrefix(s.File, "/etc/ssh/")
	path := filepath.Join(h.ssh, name)
	before, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer h.write(name, string(before))
	lines := strings.Split(string(before), "\n")
	if s.Line < 1 || s.Line > len(lines) || lines[s.Line-1] != s.Raw {
		h.t.Fatalf("%s: line %d of %s is not %q", keyword, s.Line, s.File, s.Raw)
	}
	written, want := keyword, other(keyword, s.Values[0])
	if keyword == "listenaddress" && !settings["port"].sameLine(settings["listenaddress"]) {
		written = "listenaddress"
	} else if keyword == "listenaddress" {
		written, want = "port", "7777"
	}
	lines[s.Line-1] = written + " " + want
	h.write(name, strings.Join(lines, "\n"))
	answer, stderr, ok := h.truth(spec)
	switch {
	case !ok:
		h.t.Errorf("%s: sshd refuses %q: %s", keyword, lines[s.Line-1], stderr)
	case keyword != written:
		if !strings.HasSuffix(answer[keyword][0], ":"+want) {
			h.t.Errorf("%s: %q at %s:%d gives %q", keyword, lines[s.Line-1], s.File, s.Line, answer[keyword])
		}
	case len(answer[keyword]) == 0 || answer[keyword][0] != want:
		h.t.Errorf("%s: %q at %s:%d gives %q", keyword, lines[s.Line-1], s.File, s.Line, answer[keyword])
	}
}

func (s Setting) sameLine(o Setting) bool { return s.Set && s.File == o.File && s.Line == o.Line }
