package sshd

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf"
)

// same compares the parser with the real sshd on the /etc/ssh in place: whether
// it is accepted, the message of a refusal, and every value.
func (h *host) same(what, spec string) {
	h.t.Helper()
	truth, stderr, ok := h.truth(spec)
	own, err := parse(spec)
	if (err == nil) != ok {
		h.t.Errorf("%q: parser says %v, sshd %q", what, err, stderr)
		return
	}
	if err != nil {
		if got, want := clean(err.Error()), clean(stderr); got != want {
			h.t.Errorf("%q: message\n got %q\nwant %q", what, got, want)
		}
		return
	}
	if !maps.EqualFunc(truth, own, slices.Equal) {
		h.t.Errorf("%q: -sshd +parser\n%s", what, cmp.Diff(truth, own))
	}
}

func parse(spec string) (map[string][]string, error) {
	a, err := readAccounts(hostfs.Root{})
	if err != nil {
		return nil, err
	}
	config, err := sshdconf.Load(hostfs.Root{}, sshdconf.DefaultPath, sshdconf.Options{Groups: a.groupsOf})
	if err != nil {
		return nil, err
	}
	conn, err := sshdconf.ParseConn(spec, 902)
	if err != nil {
		return nil, err
	}
	values, err := config.Effective(conn)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for keyword, v := range values {
		out[keyword] = v.Values
	}
	return out, nil
}

func lines(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/lines.txt")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(data), "\n"), func(l string) bool { return l == "" })
}

// needsServer demands the sshd that the parser is made after: a later one has
// other keywords and other words for what is wrong.
func needsServer(t *testing.T, h *host) {
	t.Helper()
	if v := findServer(h.env).version; v != "OpenSSH_9.2p1" {
		t.Fatalf("needs OpenSSH_9.2p1, as Debian 12 has it; this is %q", v)
	}
}

// Every keyword, with good and bad values, in the global part and in a block
// that applies: the parser alone says what the real sshd says.
func TestLinesAgainstTheRealServer(t *testing.T) {
	h := newHost(t)
	needsServer(t, h)
	const spec = "user=root,host=x.example,addr=10.0.0.1,laddr=10.0.0.2,lport=22"
	for _, line := range lines(t) {
		h.write("sshd_config", line+"\n")
		h.same(line, spec)
		h.write("sshd_config", "Match User root\n"+line+"\n")
		h.same("Match: "+line, spec)
	}
}

// Two lines of one keyword: which of them counts.
func TestRepeatedLinesAgainstTheRealServer(t *testing.T) {
	h := newHost(t)
	needsServer(t, h)
	list := lines(t)
	for i, line := range list[1:] {
		first, _, _ := strings.Cut(list[i], " ")
		second, _, _ := strings.Cut(line, " ")
		if first == second {
			h.write("sshd_config", list[i]+"\n"+line+"\n")
			h.same(list[i]+" | "+line, "")
		}
	}
}

// What sshd accepts and this program does not know, a later release's keyword
// say, is kept with its place.
func TestTolerantReading(t *testing.T) {
	h := newHost(t)
	h.write("sshd_config", "Frobnicate 3\nPermitRootLogin sideways\nMatch Moon full\n PasswordAuthentication yes\n")
	_, err := sshdconf.Load(hostfs.Root{}, sshdconf.DefaultPath, sshdconf.Options{})
	var refused *sshdconf.Error
	if !errors.As(err, &refused) || refused.Line != 1 && refused.Line != 2 {
		t.Fatalf("strict reading: %v", err)
	}
	config, err := sshdconf.Load(hostfs.Root{}, sshdconf.DefaultPath, sshdconf.Options{Tolerant: true})
	if err != nil {
		t.Fatal(err)
	}
	values, err := config.Effective(sshdconf.Conn{User: "root"})
	if err != nil {
		t.Fatal(err)
	}
	if v := values["permitrootlogin"]; v.Values[0] != "sideways" || v.Line != 2 {
		t.Errorf("permitrootlogin: %+v", v)
	}
	if v := values["frobnicate"]; !v.Set || v.Values[0] != "3" || v.Line != 1 {
		t.Errorf("frobnicate: %+v", v)
	}
	if v := values["passwordauthentication"]; v.Set {
		t.Errorf("a block that is not understood applies: %+v", v)
	}
}
