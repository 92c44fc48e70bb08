package deb

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/pkg/hostfs"
)

// day is when the fixtures were made.
var day = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// unpack makes a root of a fixture and returns its directory.
func unpack(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, h.Name, string(b))
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read is the answer of a Reader that had none before.
func read(ctx context.Context, e fact.Env) patch.Facts { return patch.NewReader(Read).Read(ctx, e) }

func env(t testing.TB, dir string) fact.Env {
	t.Helper()
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: func() time.Time { return day }}
}

// readTruth returns the pending rows of a fixture and the other upgradable ones.
func readTruth(t *testing.T, dir string) (pending, others []truth) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "truth.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	return parseTruth(string(b))
}

func TestAgreesWithLibapt(t *testing.T) {
	for name, pending := range map[string]int{"fx1": 79, "fx2": 10} {
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, name)
			f := read(context.Background(), env(t, dir))
			if f.Meta.State != fact.StateKnown {
				t.Fatalf("state %s: %s", f.Meta.State, f.Meta.Reason)
			}
			want, others := readTruth(t, dir)
			if len(want) != pending {
				t.Fatalf("truth has %d pending rows, want %d", len(want), pending)
			}
			for i := range want {
				if held := i < len(f.Packages) && f.Packages[i].Label == patch.LabelHeld; held != (want[i].does == "hold") {
					t.Errorf("%s: held is %v, libapt says %q", want[i].Name, held, want[i].does)
				}
				want[i].does = ""
			}
			if d := cmp.Diff(want, rows(f), cmp.AllowUnexported(truth{})); d != "" {
				t.Errorf("pending (-libapt +ours):\n%s", d)
			}
			if f.OtherPending != len(others) {
				t.Errorf("%d others pending, libapt says %d", f.OtherPending, len(others))
			}
		})
	}
}

func TestLabels(t *testing.T) {
	f := read(context.Background(), env(t, unpack(t, "fx2")))
	got := map[string]string{}
	for _, p := range f.Packages {
		got[p.Name+":"+p.Arch] = p.Label
	}
	want := map[string]string{
		"imagemagick:amd64": patch.LabelAvailable, "libssl3t64:amd64": patch.LabelAvailable, "libssl3t64:i386": patch.LabelAvailable,
		"linux-image-generic:amd64": patch.LabelHeld, "nginx:amd64": patch.LabelMasked, "openssl:amd64": patch.LabelAvailable,
		"python3-jwt:all": patch.LabelAvailable, "systemd:amd64": patch.LabelMasked, "tar:amd64": patch.LabelAvailable, "vim:amd64": patch.LabelMasked,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
	if f.Deferred != 1 {
		t.Errorf("%d deferred, want 1 (snapd at 0 %%)", f.Deferred)
	}
}

func TestUnknownNeverZero(t *testing.T) {
	for name, reason := range map[string]string{"fx4": "none of the 1 configured sources is a security source", "fx5": "no package lists"} {
		f := read(context.Background(), env(t, unpack(t, name)))
		if f.Meta.State != fact.StateUnknown || !strings.Contains(f.Meta.Reason, reason) {
			t.Errorf("%s: state %s, reason %q; want unknown with %q", name, f.Meta.State, f.Meta.Reason, reason)
		}
		if f.Metadata.Known {
			t.Errorf("%s: freshness is known: %+v", name, f.Metadata)
		}
	}
}

func TestFreshness(t *testing.T) {
	dir := unpack(t, "fx1")
	f := read(context.Background(), env(t, dir))
	want := patch.Freshness{
		Known: true, AgeSeconds: 36*3600 - 12*60 - 41 - 0, Date: "2026-11-20T00:12:41Z", ValidUntil: "2026-11-27T00:12:41Z",
		File:              "/var/lib/apt/lists/mirror.example.org_debian-security_dists_bookworm-security_InRelease",
		RefreshAgeSeconds: -1,
	}
	if d := cmp.Diff(want, f.Metadata); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	write(t, dir, successStamp, "")
	if err := os.Chtimes(dir+successStamp, day.Add(-time.Hour), day.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	e := env(t, dir)
	e.Now = func() time.Time { return day.AddDate(0, 0, 7) }
	m := read(context.Background(), e).Metadata
	if !m.Expired || m.RefreshAgeSeconds != 7*24*3600+3600 {
		t.Errorf("a week later: %+v, want expired and refreshed 7 days and 1 hour ago", m)
	}
}
