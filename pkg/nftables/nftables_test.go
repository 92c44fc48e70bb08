package nftables

import (
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables/nftest"
)

func nft(t testing.TB, text string) {
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("nft (Debian package nftables): %v\n%s", err, out)
	}
}

const rules = `
table inet filter {
	set ports { type inet_service; flags interval; elements = { 22, 80-90 } }
	map where { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept, 10.0.0.2 : jump own } }
	chain input { type filter hook input priority -5; policy drop;
		tcp dport @ports counter accept
		ip saddr vmap @where
	}
	chain own { return; }
}
table ip idle { flags dormant; chain out { type filter hook output priority 0; }
}
table netdev early { chain in { type filter hook ingress device "lo" priority 7; }
}
`

func TestLoad(t *testing.T) {
	var r *Ruleset
	nftest.Inside(t, func() {
		nft(t, rules)
		var err error
		if r, err = Load(); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	if len(r.Tables) != 3 || len(r.Chains) != 4 || len(r.Sets) != 2 {
		t.Fatalf("got %+v", r)
	}
	for _, table := range r.Tables {
		if table.Dormant != (table.Name == "idle") {
			t.Errorf("got %+v", table)
		}
	}
	in := r.Chain(Key{unix.NFPROTO_INET, "filter", "input"})
	if in == nil || !in.Base || in.Hook != unix.NF_INET_LOCAL_IN || in.Priority != -5 || !in.Drop || in.Type != "filter" || len(in.Rules) != 2 {
		t.Errorf("got %+v", in)
	}
	var names []string
	for _, e := range in.Rules[0].Exprs {
		names = append(names, e.Name)
	}
	if got := strings.Join(names, " "); got != "meta cmp payload lookup counter immediate" || in.Rules[0].Handle == 0 {
		t.Errorf("got %s, handle %d", got, in.Rules[0].Handle)
	}
	if c := r.Chain(Key{unix.NFPROTO_INET, "filter", "own"}); c == nil || c.Base || len(c.Rules) != 1 {
		t.Errorf("got %+v", c)
	}
	if c := r.Chain(Key{unix.NFPROTO_NETDEV, "early", "in"}); c == nil || len(c.Devices) != 1 || c.Devices[0] != "lo" || c.Priority != 7 {
		t.Errorf("got %+v", c)
	}
	ports := r.Set(Key{unix.NFPROTO_INET, "filter", "ports"})
	if ports == nil || !ports.Interval || ports.Map || ports.Width != 2 || len(ports.Elements) != 5 {
		t.Errorf("got %+v", ports)
	}
	where := r.Set(Key{unix.NFPROTO_INET, "filter", "where"})
	if where == nil || !where.Map || where.Width != 4 || len(where.Elements) != 2 || where.Elements[0].Value == nil {
		t.Errorf("got %+v", where)
	}
	if r.Chain(Key{unix.NFPROTO_IPV4, "filter", "input"}) != nil || r.Set(Key{}) != nil {
		t.Error("a chain or set that is not there")
	}
}

// TestEmpty: no rules are a ruleset, too.
func TestEmpty(t *testing.T) {
	nftest.Inside(t, func() {
		if r, err := Load(); err != nil || len(r.Tables)+len(r.Chains)+len(r.Sets) != 0 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

// TestMany: rules that do not fit into one answer.
func TestMany(t *testing.T) {
	const many = 3000
	nftest.Inside(t, func() {
		nft(t, "table ip t { chain c {\n"+strings.Repeat("tcp dport 22 accept\n", many)+"}\n}\n")
		r, err := Load()
		if err != nil || len(r.Chains) != 1 || len(r.Chains[0].Rules) != many {
			t.Errorf("got %d chains, %v", len(r.Chains), err)
		}
	})
}

// TestForbidden: who lacks the capability is told so.
func TestForbidden(t *testing.T) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		// The thread alone gives its capabilities up, and ends.
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			done <- err
			return
		}
		_, err := Load()
		done <- err
	}()
	if err := <-done; !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v", err)
	}
}

func dumped(t testing.TB) (raw []byte) {
	nftest.Inside(t, func() {
		nft(t, rules)
		var err error
		if raw, err = Dump(); err != nil {
			t.Error(err)
		}
	})
	return raw
}

// TestDamage: a part of an answer is an error or a smaller ruleset, never a panic.
func TestDamage(t *testing.T) {
	raw := dumped(t)
	whole, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		if r, err := Decode(raw[:i]); err == nil && len(r.Chains) > len(whole.Chains) {
			t.Errorf("%d bytes: %d chains", i, len(r.Chains))
		}
		other := append([]byte(nil), raw...)
		other[i] ^= 0xff
		_, _ = Decode(other)
	}
}

// FuzzDecode: a ruleset that is taken names each rule's chain and each element's set.
func FuzzDecode(f *testing.F) {
	f.Add(dumped(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Decode(raw)
		if err != nil {
			return
		}
		for _, c := range r.Chains {
			if r.Chain(c.Key) == nil {
				t.Errorf("%+v is not found", c.Key)
			}
			for _, rule := range c.Rules {
				if len(rule.Exprs) > maxExprs {
					t.Errorf("%d expressions", len(rule.Exprs))
				}
			}
		}
	})
}

func TestNumber(t *testing.T) {
	data := []byte{8, 0, 1, 0, 0, 0, 1, 2, 12, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 9, 5, 0, 3, 0, 'x', 0, 0, 0}
	if n, ok := Number(data, 1); n != 258 || !ok {
		t.Errorf("got %d, %v", n, ok)
	}
	if n, ok := Number(data, 2); n != 9 || !ok {
		t.Errorf("got %d, %v", n, ok)
	}
	if n, ok := Number(data, 3); ok {
		t.Errorf("got %d of one byte", n)
	}
	if s := Text(data, 3); s != "x" {
		t.Errorf("got %q", s)
	}
	for _, bad := range [][]byte{{3, 0, 1, 0}, {9, 0, 1, 0}, {4}} {
		for k, v := range Attributes(bad) {
			t.Errorf("%v: got %d, %v", bad, k, v)
		}
	}
}
