package deb

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	godiff "github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/pkg/hostfs"
	"seawall/pkg/pkgver"
)

var roots = flag.Uint64("roots", 100, "generated roots to compare with libapt")

// oracle asks the real apt library (python3-apt) about roots.
type oracle struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/libapt.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("this test asks libapt; install python3-apt: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("ask libapt: %v", err)
		}
	})
	return &oracle{t, in, bufio.NewScanner(out)}
}

// ask returns libapt's rows for a root, "/" or a generated one.
func (o *oracle) ask(dir string) string {
	o.t.Helper()
	conf := ""
	if dir != "/" {
		conf = filepath.Join(o.t.TempDir(), filepath.Base(dir)+".conf")
		text := fmt.Sprintf("Dir %q;\nDir::State::status %q;\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\n"+
			"Dir::Bin::ischroot \"/bin/false\";\nAPT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; \"i386\"; };\n", dir+"/", filepath.Join(dir, "var/lib/dpkg/status"))
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			o.t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintln(o.in, conf); err != nil {
		o.t.Fatalf("ask libapt: %v", err)
	}
	var rows strings.Builder
	for o.out.Scan() {
		if o.out.Text() == "." {
			return rows.String()
		}
		rows.WriteString(o.out.Text() + "\n")
	}
	o.t.Fatalf("libapt ends in the middle: %v", o.out.Err())
	return ""
}

func TestThisHostAgreesWithLibapt(t *testing.T) {
	f := read(context.Background(), fact.Env{Now: time.Now})
	if lists, err := filepath.Glob("/var/lib/apt/lists/*_Packages*"); err != nil || len(lists) == 0 {
		if f.Meta.State != fact.StateUnknown {
			t.Errorf("no lists on this host, and the state is %s", f.Meta.State)
		}
		return
	}
	if f.Meta.State != fact.StateKnown {
		t.Fatalf("state %s: %s", f.Meta.State, f.Meta.Reason)
	}
	want, others := parseTruth(newOracle(t).ask("/"))
	for i := range want {
		want[i].does = "" // what is kept back for its dependencies, libapt alone knows
	}
	if d := godiff.Diff(want, rows(f), godiff.AllowUnexported(truth{})); d != "" {
		t.Errorf("pending (-libapt +ours):\n%s", d)
	}
	if f.OtherPending != len(others) {
		t.Errorf("%d others pending, libapt says %d", f.OtherPending, len(others))
	}
	t.Logf("%d installed, %d pending, %d others, in %v", f.Installed, len(f.Packages), f.OtherPending, f.Meta.Took)
}

// TestGeneratedRootsAgreeWithLibapt: package, versions, candidate and its origin,
// hold and phasing, and the counts of the others, for each generated host.
func TestGeneratedRootsAgreeWithLibapt(t *testing.T) {
	o := newOracle(t)
	version, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "apt").Output()
	if err != nil {
		t.Fatal(err)
	}
	pending, deferred, different := 0, 0, 0
	for seed := range *roots {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), t: t, dir: filepath.Join(t.TempDir(), fmt.Sprint(seed)), apt: string(version)}
		g.run()
		root, err := hostfs.Open(g.dir)
		if err != nil {
			t.Fatal(err)
		}
		f := read(context.Background(), fact.Env{Root: root, Now: time.Now})
		if f.Meta.State != fact.StateKnown {
			t.Errorf("seed %d: state %s: %s", seed, f.Meta.State, f.Meta.Reason)
			continue
		}
		memory := patch.NewReader(New())
		env := fact.Env{Root: root, Now: time.Now}
		memory.Read(context.Background(), env)
		g.status() // an upgrade: other versions, the same lists
		f = memory.Read(context.Background(), env)
		if d := godiff.Diff(rows(read(context.Background(), env)), rows(f), godiff.AllowUnexported(truth{})); d != "" {
			t.Errorf("seed %d (-read anew +from memory):\n%s", seed, d)
		}
		if d := difference(o.ask(g.dir), f); d != "" {
			different++
			t.Errorf("seed %d (-libapt +ours):\n%s", seed, d)
			if different < 5 {
				t.Log(configuration(t, g.dir))
			}
		}
		pending += len(f.Packages)
		for _, p := range f.Packages {
			if p.Label == patch.LabelDeferred {
				deferred++
			}
		}
		if err := os.RemoveAll(g.dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d roots, %d different; %d pending, %d of them deferred", *roots, different, pending, deferred)
	if *roots >= 100 && (pending == 0 || deferred == 0) {
		t.Error("the roots have nothing to find")
	}
}

// difference holds our answer against libapt's, labels of hold and phasing
// included.
func difference(libapt string, f patch.Facts) string {
	want, others := parseTruth(libapt)
	got := rows(f)
	for i := range f.Packages {
		p := &f.Packages[i]
		switch {
		case p.Label == patch.LabelHeld:
			got[i].does = "hold"
		case p.Label == patch.LabelDeferred && pkgver.Deb(p.Candidate, p.Fixed) >= 0:
			got[i].does = "deferred"
		default:
			got[i].does = "-"
		}
	}
	for i := range want {
		// Whether apt defers a candidate below the fix says nothing of the fix.
		if want[i].does == "deferred" && pkgver.Deb(want[i].Candidate, want[i].Fixed) < 0 {
			want[i].does = "-"
		}
	}
	deferred := 0
	for _, o := range others {
		if o.does == "deferred" {
			deferred++
		}
	}
	d := godiff.Diff(want, got, godiff.AllowUnexported(truth{}))
	if f.OtherPending != len(others) {
		d += fmt.Sprintf("%d others pending, libapt says %d: %v\n", f.OtherPending, len(others), others)
	}
	if f.Deferred != deferred {
		d += fmt.Sprintf("%d of the others deferred, libapt says %d: %v\n", f.Deferred, deferred, others)
	}
	return d
}

// configuration is what a generated host has in /etc.
func configuration(t *testing.T, dir string) string {
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(dir, "etc"), func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		fmt.Fprintf(&b, "== %s\n%s", name, text)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return b.String()
}

// truth is one row of libapt's answer.
type truth struct{ Name, Arch, Installed, Candidate, Origin, Fixed, does string }

// parseTruth returns the pending rows and the other upgradable ones.
func parseTruth(rows string) (pending, others []truth) {
	for line := range strings.Lines(rows) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		row := truth{c[0], c[1], c[2], c[3], strings.ReplaceAll(strings.ReplaceAll(c[4], ":", "/"), ",", ", "), c[5], c[6]}
		if row.Candidate == "None" {
			row.Candidate = ""
		}
		if row.Fixed == "-" {
			others = append(others, row)
			continue
		}
		pending = append(pending, row)
	}
	slices.SortFunc(pending, func(a, b truth) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch)) })
	return pending, others
}

func rows(f patch.Facts) []truth {
	var all []truth
	for _, p := range f.Packages {
		all = append(all, truth{p.Name, p.Arch, p.Installed, p.Candidate, p.CandidateOrigin, p.Fixed, ""})
	}
	return all
}
