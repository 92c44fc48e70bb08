package ports

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
)

// attribute writes one as the kernel does.
func attribute(kind uint16, b ...byte) []byte {
	out := binary.NativeEndian.AppendUint16(nil, uint16(len(b)+4))
	out = append(binary.NativeEndian.AppendUint16(out, kind), b...)
	return append(out, make([]byte, (4-len(b)%4)%4)...)
}

// ruleset has one rule of the expressions.
func ruleset(exprs ...nftables.Expr) *nftables.Ruleset {
	return &nftables.Ruleset{Chains: []*nftables.Chain{{Rules: []nftables.Rule{{Exprs: exprs}}}}}
}

func TestOf(t *testing.T) {
	number := func(n ...byte) []byte { return attribute(unix.NFTA_DATA_VALUE, n...) }
	multiport := append([]byte{0, 2}, binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, 8080), 9000)...)
	rules := ruleset(
		nftables.Expr{Name: "cmp", Data: attribute(unix.NFTA_CMP_DATA, number(0, 22)...)},
		nftables.Expr{Name: "cmp", Data: attribute(unix.NFTA_CMP_DATA, number(10, 0, 0, 1)...)}, // an address
		nftables.Expr{Name: "range", Data: append(attribute(unix.NFTA_RANGE_FROM_DATA, number(0, 80)...), attribute(unix.NFTA_RANGE_TO_DATA, number(0, 90)...)...)},
		nftables.Expr{Name: "match", Data: append(attribute(unix.NFTA_MATCH_NAME, []byte("multiport\x00")...), attribute(unix.NFTA_MATCH_INFO, multiport...)...)},
		nftables.Expr{Name: "counter"},
	)
	rules.Sets = []*nftables.Set{
		{Width: 2, Elements: []nftables.Element{{Key: []byte{1, 0xbb}}, {Key: []byte{3, 0xe8}, End: []byte{3, 0xf2}}}},
		{Width: 4, Elements: []nftables.Element{{Key: []byte{9, 9, 9, 9}}}},                    // addresses
		{Width: 8, Elements: []nftables.Element{{Key: []byte{10, 0, 0, 0, 0x15, 0x38, 0, 0}}}}, // address and port
	}
	got := Of(rules)
	if !slices.IsSorted(got) {
		t.Errorf("not sorted: %v", got)
	}
	for _, want := range []uint16{0, 22, 23, 80, 81, 90, 91, 443, 444, 1000, 1001, 1010, 1011, 5432, 5433, 8080, 8081, 9000, 9001} {
		if !slices.Contains(got, want) {
			t.Errorf("%d is missing in %v", want, got)
		}
	}
	for _, no := range []uint16{0x0909, 85, 5431} {
		if slices.Contains(got, no) {
			t.Errorf("%d is in %v", no, got)
		}
	}
}

// TestXtables: of what is cut short, and of other matches.
func TestXtables(t *testing.T) {
	tcp := make([]byte, 8)
	binary.NativeEndian.PutUint16(tcp[4:], 25)
	for _, tt := range []struct {
		name string
		info []byte
		want []uint16
	}{
		{"tcp", tcp, []uint16{0, 0, 25, 0}}, {"udp", tcp[:6], []uint16{0, 0, 25, 0}}, {"multiport", []byte{0, 1}, []uint16{0}},
		{"multiport", []byte{9}, nil}, {"state", tcp, nil}, {"multiport", []byte{0, 255}, make([]uint16, 15)},
	} {
		if got := xtables(tt.name, tt.info); !slices.Equal(got, tt.want) {
			t.Errorf("%s %v: got %v, want %v", tt.name, tt.info, got, tt.want)
		}
	}
}

// FuzzOf: whatever an expression holds, the list is sorted and begins with 0.
func FuzzOf(f *testing.F) {
	f.Add("cmp", attribute(unix.NFTA_CMP_DATA, attribute(unix.NFTA_DATA_VALUE, 0, 22)...))
	f.Add("match", append(attribute(unix.NFTA_MATCH_NAME, []byte("tcp\x00")...), attribute(unix.NFTA_MATCH_INFO, 0, 22, 0, 30)...))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		rules := ruleset(nftables.Expr{Name: name, Data: data})
		rules.Sets = []*nftables.Set{{Elements: []nftables.Element{{Key: data, End: data}}}}
		if got := Of(rules); !slices.IsSorted(got) || got[0] != 0 || len(got) > 200 {
			t.Errorf("got %v", got)
		}
	})
}
