package rpm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/patch"
)

var (
	roots = flag.Uint64("roots", 2, "generated roots to compare with dnf")
	first = flag.Uint64("first", 0, "the first of them")
)

// TestGeneratedRootsAgreeWithDNF makes small hosts at random and asks the real dnf
// about each: advisories with the excludes off, for we show what they keep back,
// and updates with them on.
func TestGeneratedRootsAgreeWithDNF(t *testing.T) {
	p := newPool(t)
	rows, updates := 0, 0
	for seed := *first; seed < *first+*roots; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := p.generate(t, rand.New(rand.NewPCG(seed, 7)))
			f := read(t, g.dir)
			want := dnfRows(t, g.dnf(t, "-C", "--disableexcludes=all", "updateinfo", "list", "--security"))
			if d := cmp.Diff(want, ourRows(f, func(patch.Package) bool { return false })); d != "" {
				t.Errorf("pending (-dnf +ours):\n%s", d)
			}
			shown := dnfRows(t, g.dnf(t, "-C", "updateinfo", "list", "--security"))
			for _, p := range f.Packages {
				if _, ok := shown[p.Name+"."+p.Arch]; !ok && p.Label == patch.LabelAvailable {
					t.Errorf("dnf hides %s.%s, and its label is %s", p.Name, p.Arch, p.Label)
				}
			}
			text := g.dnf(t, "-C", "check-update")
			compareUpdates(t, f, text)
			rows, updates = rows+len(want), updates+len(dnfUpdates(text))
			if t.Failed() {
				t.Logf("dnf.conf:\n%s\nos.repo:\n%s\n%s", readText(t, g.dir+"/etc/dnf/dnf.conf"), readText(t, g.dir+"/etc/yum.repos.d/os.repo"), g.dir)
			}
		})
	}
	t.Logf("%d pending packages and %d updates in %d roots", rows, updates, *roots)
	if *roots > 1 && (rows == 0 || updates == 0) {
		t.Error("no generated root has anything pending")
	}
}
