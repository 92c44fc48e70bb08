package authority

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/collector/authority/signer"
	"seawall/pkg/trust"
)

// chain returns what the collector sends in a handshake.
func chain(t *testing.T, a *Authority) []*x509.Certificate {
	t.Helper()
	c, err := a.certificate()
	if err != nil {
		t.Fatal(err)
	}
	var list []*x509.Certificate
	size := 0
	for _, der := range c.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		list, size = append(list, one), size+len(der)
	}
	if len(list) > trust.MaxChain || size > 4<<10 {
		t.Fatalf("a chain of %d certificates, %d bytes", len(list), size)
	}
	return list
}

// reaches reports whether a host that believes the bundle knows the collector.
func reaches(t *testing.T, a *Authority, b trust.Bundle) bool {
	t.Helper()
	return b.VerifyCollector(chain(t, a), a.now()) == nil
}

func retire(t *testing.T, a *Authority, i int, distrust bool) {
	t.Helper()
	if err := a.Retire(context.Background(), a.List()[i].ID, distrust); err != nil {
		t.Fatal(err)
	}
}

func TestRotate(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	a := open(t, dir, c)
	sleeper, pin := bundle(a), a.Pin()
	cert, _ := issue(t, a)
	pins := []trust.Pin{pin}
	for i := range signer.Depth - 1 {
		c.add(time.Hour)
		old, changed := a.Bundle()
		rotate(t, a)
		select {
		case <-changed:
		default:
			t.Fatal("nobody was told")
		}
		now := bundle(a)
		if now.Revision <= old.Revision || len(now.Authorities) != i+2 || trust.PinOf(now.Authorities[0]) != a.Pin() {
			t.Fatalf("revision %d after %d, %d authorities", now.Revision, old.Revision, len(now.Authorities))
		}
		if _, err := trust.ParseBundle(now.Revision, now.DER()); err != nil {
			t.Fatal(err)
		}
		pins = append(pins, a.Pin())
		for j, p := range pins {
			if err := p.VerifyCollector(chain(t, a), c.Now()); err != nil {
				t.Errorf("rotation %d, pin %d: %v", i+1, j, err)
			}
		}
		if !reaches(t, a, sleeper) || !reaches(t, a, old) || !reaches(t, a, now) || !reaches(t, open(t, dir, c), sleeper) {
			t.Errorf("rotation %d locks a host out", i+1)
		}
		if id, err := a.VerifyHost([]*x509.Certificate{cert}, c.Now()); err != nil || id != host {
			t.Errorf("rotation %d: what the first one signed is refused: %v", i+1, err)
		}
	}
	if err := a.Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), "retire the oldest") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	retire(t, a, 0, false)
	if err := a.Rotate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	second := trust.Bundle{Authorities: bundle(a).Authorities[3:]}
	rotate(t, a)
	// Five are connected: the second is the oldest of them.
	if reaches(t, a, sleeper) || !reaches(t, a, second) {
		t.Errorf("the first reached: %v, the second: %v", reaches(t, a, sleeper), reaches(t, a, second))
	}
}

func TestRetire(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	a := open(t, dir, c)
	sleeper := bundle(a)
	cert, _ := issue(t, a)
	for _, id := range []string{a.List()[0].ID, "", "0123456789abcdef", "../state"} {
		if err := a.Retire(t.Context(), id, false); err == nil {
			t.Errorf("%q: retired", id)
		}
	}
	rotate(t, a)
	old, changed := a.Bundle()
	retire(t, a, 0, false)
	now, after := a.Bundle()
	if <-changed; now.Revision <= old.Revision || len(now.Authorities) != 1 || trust.PinOf(now.Authorities[0]) != a.Pin() {
		t.Errorf("revision %d, %d authorities", now.Revision, len(now.Authorities))
	}
	if info := a.List()[0]; info.Active || !info.Retired || info.Distrusted {
		t.Errorf("%+v", info)
	}
	for _, one := range []*Authority{a, open(t, dir, c)} {
		if !reaches(t, one, sleeper) || !reaches(t, one, now) {
			t.Error("a host is locked out")
		}
		if _, err := one.VerifyHost([]*x509.Certificate{cert}, c.Now()); err != nil {
			t.Error(err)
		}
	}
	retire(t, a, 0, false) // again
	if bundle(a).Revision != now.Revision {
		t.Error("the revision changed for nothing")
	}
	select {
	case <-after:
		t.Error("told of nothing")
	default:
	}
}

func TestDistrust(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	a := open(t, dir, c)
	first := bundle(a)
	firstCert, _ := issue(t, a)
	rotate(t, a)
	second := trust.Bundle{Authorities: bundle(a).Authorities[:1]}
	secondCert, _ := issue(t, a)
	secondPin := a.Pin()
	thief, thiefChain := a.current().active, chain(t, a)
	rotate(t, a)
	third := trust.Bundle{Authorities: bundle(a).Authorities[:1]}
	retire(t, a, 1, true)

	if list := a.List(); !list[0].Retired || list[0].Distrusted || !list[1].Retired || !list[1].Distrusted || !list[2].Active {
		t.Errorf("%+v", list)
	}
	// The thief makes himself a certificate of a collector.
	stolen, err := thief.IssueServer(c.Now())
	if err != nil {
		t.Fatal(err)
	}
	thiefChain[0] = stolen.Leaf
	if first.VerifyCollector(thiefChain, c.Now()) != nil {
		t.Error("the test's thief is no good")
	}
	for _, one := range []*Authority{a, open(t, dir, c)} {
		b := bundle(one)
		if len(b.Authorities) != 1 || b.VerifyCollector(thiefChain, c.Now()) == nil {
			t.Errorf("%d authorities; the thief passes for the collector", len(b.Authorities))
		}
		if !reaches(t, one, first) || reaches(t, one, second) || !reaches(t, one, third) {
			t.Errorf("reached from the first: %v, second: %v, third: %v", reaches(t, one, first), reaches(t, one, second), reaches(t, one, third))
		}
		if secondPin.VerifyCollector(chain(t, one), c.Now()) == nil {
			t.Error("reached by the distrusted pin")
		}
		if _, err := one.VerifyHost([]*x509.Certificate{firstCert}, c.Now()); err != nil {
			t.Error(err)
		}
		if id, err := one.VerifyHost([]*x509.Certificate{secondCert}, c.Now()); err == nil {
			t.Errorf("a distrusted certificate passes for %s", id)
		}
	}
	// Nobody needs the key any more.
	if err := os.Remove(filepath.Join(dir, folderName, thief.ID+".pem")); err != nil {
		t.Fatal(err)
	}
	rotate(t, open(t, dir, c))
}

func TestRevision(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	a := open(t, dir, c)
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		rotate(t, a) // within one second
	}
	c.add(time.Hour)
	restored := restore(t, backup)
	rotate(t, open(t, restored, c))
	if before, after := bundle(a).Revision, bundle(open(t, restored, c)).Revision; after <= before {
		t.Errorf("restored from a backup: revision %d after %d", after, before)
	}
	c.add(-1000 * time.Hour)
	before := bundle(a).Revision
	rotate(t, a)
	if after := bundle(a).Revision; after != before+1 {
		t.Errorf("clock set back: revision %d after %d", after, before)
	}
}

// restore copies a folder, with the modes that a person gives it.
func restore(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, folderName, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Chmod(f, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, folderName), 0o700); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return dir
}

// onStep has step called before each change of an authority's folder.
func onStep(a *Authority, step func(what string) error) {
	d := a.vault.(disk)
	d.step = step
	a.vault = d
}

// TestFail ends every change at every step, once with an error and once with the
// power: what is on the disk then is as good as before or as good as after.
func TestFail(t *testing.T) {
	for name, change := range map[string]func(*Authority) error{
		"rotate":   func(a *Authority) error { return a.Rotate(context.Background()) },
		"retire":   func(a *Authority) error { return a.Retire(context.Background(), a.List()[0].ID, false) },
		"distrust": func(a *Authority) error { return a.Retire(context.Background(), a.List()[0].ID, true) },
	} {
		for n := 0; ; n++ {
			dir, c := t.TempDir(), newClock()
			a := open(t, dir, c)
			rotate(t, a)
			known := trust.Bundle{Authorities: bundle(a).Authorities[:1]}
			before := bundle(a)
			image, steps := "", 0
			onStep(a, func(what string) error {
				if steps++; steps <= n {
					return nil
				}
				image = restore(t, dir)
				return fmt.Errorf("%s: injected", what)
			})
			err := change(a)
			if err == nil {
				if n < 4 {
					t.Errorf("%s: %d steps", name, n)
				}
				break
			}
			now, changed := a.Bundle()
			if now.Revision != before.Revision || !strings.Contains(err.Error(), "injected") {
				t.Errorf("%s at step %d: revision %d after %d, %v", name, n, now.Revision, before.Revision, err)
			}
			select {
			case <-changed:
				t.Errorf("%s at step %d: told of a change that was not made", name, n)
			default:
			}
			for kind, b := range map[string]*Authority{"the same": a, "opened": open(t, dir, c), "after the power": open(t, image, c)} {
				onStep(b, func(string) error { return nil })
				if !reaches(t, b, known) || !reaches(t, b, before) {
					t.Errorf("%s at step %d, %s: a host is locked out", name, n, kind)
				}
				issue(t, b)
			}
			if err := change(a); err != nil || bundle(a).Revision <= before.Revision || !reaches(t, a, known) {
				t.Errorf("%s again after step %d: %v", name, n, err)
			}
		}
	}
}

// TestFailFirst ends the making of the first authority at every step.
func TestFailFirst(t *testing.T) {
	for n := 0; ; n++ {
		dir, c := t.TempDir(), newClock()
		image, steps := "", 0
		d := diskIn(dir)
		d.step = func(string) error {
			if steps++; steps <= n {
				return nil
			}
			image = restore(t, dir)
			return errors.New("injected")
		}
		if _, err := d.ensure(c.Now); err == nil {
			if n < 8 {
				t.Errorf("%d steps", n)
			}
			break
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("step %d leaves %v, %v", n, entries, err)
		}
		issue(t, open(t, dir, c))
		issue(t, open(t, image, c))
	}
}

// TestAtOnce enrols hosts while authorities come and go.
func TestAtOnce(t *testing.T) {
	a := open(t, t.TempDir(), newClock())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				cert, _ := issue(t, a)
				if _, err := a.VerifyHost([]*x509.Certificate{cert}, a.now()); err != nil {
					t.Error(err)
				}
				b, _ := a.Bundle()
				if !reaches(t, a, b) {
					t.Error("a host is locked out")
				}
			}
		})
	}
	for range signer.Depth - 1 {
		rotate(t, a)
		retire(t, a, 0, false)
	}
	wg.Wait()
}
