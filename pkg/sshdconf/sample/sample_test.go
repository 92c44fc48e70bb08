package sample

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"seawall/pkg/sshdconf/pattern"
)

func TestNames(t *testing.T) {
	got := Names("alice,!bob,dev-*,?x,*")
	if want := []string{"alice", "bob", "dev-", "dev-x", "xx", "x"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Of each entry there is an address that it matches, and one that it does not.
func TestAddresses(t *testing.T) {
	for _, entry := range []string{
		"10.0.0.0/8", "10.1.2.3", "192.168.1.0/31", "2001:db8::/32", "::1", "10.*", "10.1.2.*", "2001:db8:*", "!172.16.0.0/12", "*",
	} {
		bare := strings.TrimPrefix(entry, "!")
		inside, outside := false, false
		for _, a := range append(Addresses([]string{entry}), Public()...) {
			if _, err := netip.ParseAddr(a); err != nil {
				t.Errorf("%s: %v", entry, err)
			}
			hit, err := pattern.Address(a, bare)
			if err != nil {
				t.Errorf("%s: %v", entry, err)
			}
			inside = inside || hit == pattern.Matched
			outside = outside || hit == pattern.None
		}
		if !inside || !outside && entry != "*" {
			t.Errorf("%s: inside %v, outside %v", entry, inside, outside)
		}
	}
}

func TestEndsOfTheAddressSpace(t *testing.T) {
	for _, a := range Addresses([]string{"0.0.0.0/0,255.255.255.255,::/0,nonsense"}) {
		if _, err := netip.ParseAddr(a); err != nil {
			t.Error(err)
		}
	}
}

func TestManyEntriesAreBounded(t *testing.T) {
	if n := len(Names(strings.Repeat("a*,b?,", 100_000))); n > 2*limit {
		t.Errorf("%d names", n)
	}
}
