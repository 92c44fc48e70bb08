package auditwatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/auditrule"
	"seawall/pkg/effect"
	"seawall/pkg/kaudit"
)

// kernel takes the machine's kernel audit, which no other test has then, and leaves it
// without our rules and off.
func kernel(t *testing.T) *kaudit.Control {
	t.Helper()
	f, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	c, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	before := settled(t, c)
	t.Cleanup(func() {
		for _, r := range rules(t, c) {
			if !slices.ContainsFunc(before, func(b auditrule.Rule) bool { return string(b.Wire) == string(r.Wire) }) {
				// A rule of a directory that is gone goes by itself, some time later.
				if err := c.Delete(r); err != nil && !errors.Is(err, kaudit.ErrNoRule) {
					t.Errorf("restore: %v", err)
				}
			}
		}
		if err := errors.Join(c.SetEnabled(false), c.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func rules(t *testing.T, c *kaudit.Control) []auditrule.Rule {
	t.Helper()
	r, err := c.Rules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// settled returns the kernel's rules when it takes none away any more: those of directories
// that a test before removed go some time later.
func settled(t *testing.T, c *kaudit.Control) []auditrule.Rule {
	t.Helper()
	last, same := rules(t, c), 0
	for range time.Tick(20 * time.Millisecond) {
		now := rules(t, c)
		if same++; !slices.Equal(texts(last), texts(now)) {
			same = 0
		}
		if last = now; same == 3 {
			break
		}
	}
	return last
}

func texts(rules []auditrule.Rule) (s []string) {
	for _, r := range rules {
		s = append(s, r.Text)
	}
	return s
}

// watch sets watches until the test ends.
func watch(t *testing.T, c *kaudit.Control, names ...string) *Watches {
	t.Helper()
	w := New(c)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("remove watches: %v", err)
		}
	})
	if _, err := w.Set(names); err != nil {
		t.Fatal(err)
	}
	if err := c.SetEnabled(true); err != nil {
		t.Fatal(err)
	}
	return w
}

// parsed reads rules.
func parsed(t *testing.T, lines ...string) (rules []auditrule.Rule) {
	t.Helper()
	for _, text := range lines {
		r, err := auditrule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// TestMissingAndLinks: behind a link, and what is not there yet.
func TestMissingAndLinks(t *testing.T) {
	control := kernel(t)
	dir := t.TempDir()
	real := filepath.Join(dir, "real")
	if err := errors.Join(os.WriteFile(real, nil, 0o666), os.Symlink("real", dir+"/link")); err != nil {
		t.Fatal(err)
	}
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	watch(t, control, dir+"/link", dir+"/missing.d/sub/", dir+"/absent")
	script := "echo a >" + real + "; echo b >" + dir + "/absent; echo c >" + dir + "/unwatched; mkdir " + dir + "/missing.d"
	if out, err := exec.Command("/bin/sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := map[string]string{}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	asm := audit.NewAssembler(0, func(e *audit.Event) {
		for _, c := range effect.Changes(e) {
			got[strings.TrimPrefix(c.Path, dir)] = c.Operation
		}
	})
	_ = conn.ReceiveBatches(ctx, func(typ uint16, payload []byte) { asm.Push(typ, payload, time.Now()) }, func() {
		if got["/missing.d"] != "" {
			cancel()
		}
	})
	want := map[string]string{"/real": effect.Write, "/absent": effect.Create, "/missing.d": effect.Create}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRulesOfOthers holds that the user's rules stay byte for byte, in order.
func TestRulesOfOthers(t *testing.T) {
	control := kernel(t)
	dir := t.TempDir()
	for _, text := range []string{
		"-w " + dir + "/user -p wa -k user",
		"-a always,exit -F arch=b64 -S adjtimex -F uid=5 -F key=time",
		"-a never,exit -F path=" + dir + "/user2 -k seawall -k other",
		"-a always,exit -F arch=b64 -S connect -F uid=5",
	} {
		r, err := auditrule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := control.Add(r); err != nil {
			t.Fatal(err)
		}
		if err := control.Add(r); !errors.Is(err, kaudit.ErrExists) {
			t.Errorf("added twice: %v", err)
		}
	}
	before := texts(rules(t, control))
	w := watch(t, control, dir+"/")
	own := len(rules(t, control)) - len(before)
	if own < 1 {
		t.Fatalf("%d own rules", own)
	}
	if _, err := w.Set([]string{dir + "/", dir + "/inside", dir + "/"}); err != nil || len(rules(t, control)) != len(before)+own {
		t.Errorf("the same again: %d rules, %v", len(rules(t, control)), err)
	}
	if _, err := w.Set([]string{dir + "/one", dir + "/two", "/proc/self/x", "/"}); err != nil || len(rules(t, control)) != len(before)+2 {
		t.Errorf("two files: %d rules, %v", len(rules(t, control)), err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, texts(rules(t, control))); diff != "" {
		t.Errorf("the user's rules changed: %s", diff)
	}
	if err := control.Delete(rules(t, control)[0]); err != nil {
		t.Error(err)
	}
	r, err := auditrule.WatchFile(dir+"/user", "user")
	if err != nil {
		t.Fatal(err)
	}
	if err := control.Delete(r); !errors.Is(err, kaudit.ErrNoRule) {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestOwnRules: rules of our own stand in their order before the watches; one that a
// user's rule makes superfluous is left out, and what was loaded and is not wanted goes.
func TestOwnRules(t *testing.T) {
	control := kernel(t)
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/wide", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, r := range parsed(t, "-a always,exit -F arch=b64 -S adjtimex -F uid=5 -k user", "-w "+dir+"/user -p wa -k seawallish") {
		if err := control.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	before := texts(rules(t, control))
	w := watch(t, control)
	first := parsed(t, "-a always,exit -F dir="+dir+"/wide -F perm=wa -k seawall-wide", "-a always,exit -F arch=b64 -S adjtimex -F uid=5 -k seawall-time",
		"-w "+dir+"/none/x -p wa -k seawall-local", "-a always,exit -F arch=b64 -S mount -F uid=5 -k seawall-mount")
	l, err := w.Set([]string{dir + "/wide/a", dir + "/other"}, first...)
	if err != nil || l.Shared != 1 || len(l.Refused) != 1 || !strings.Contains(l.Refused[0], "there is no "+dir+"/none") || l.Loaded != l.Wanted-2 {
		t.Errorf("%+v, %v", l, err)
	}
	for _, r := range rules(t, control) {
		if strings.Contains(r.Text, "/wide/a") {
			t.Errorf("superfluous: %s", r.Text)
		}
	}
	state, err := w.State()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.State(); err != nil || again != state {
		t.Errorf("the state of the same rules is another: %v", err)
	}
	// A rule that keeps events out stands before those that it is about.
	never := parsed(t, "-a never,exit -F arch=b64 -S mount -F uid=5 -F a0=1 -k seawall-local")
	if l, err = w.Set(nil, append(never, first[3])...); err != nil || l.Loaded != 2 {
		t.Errorf("%+v, %v", l, err)
	}
	var own []string
	for _, r := range rules(t, control) {
		if r.Owned() {
			own = append(own, r.Text)
		}
	}
	if diff := cmp.Diff([]string{never[0].Text, first[3].Text}, own); diff != "" {
		t.Error(diff)
	}
	if again, err := w.State(); err != nil || again == state {
		t.Errorf("the state of other rules is the same: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, texts(rules(t, control))); diff != "" {
		t.Errorf("the user's rules changed: %s", diff)
	}
}

func TestPlan(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"ssh/conf.d", "real"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		os.WriteFile(dir+"/ssh/sshd_config", nil, 0o644), os.Symlink("real", dir+"/linked"),
		os.Symlink("loop", dir+"/loop"), os.Symlink("/proc/self/status", dir+"/procfile"),
	); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names []string
		want  string // directories end in "/"
	}{
		{[]string{"/ssh/sshd_config"}, "/ssh/sshd_config"},
		{[]string{"/ssh/", "/ssh/sshd_config", "/ssh/conf.d/", "/ssh/conf.d/x"}, "/ssh/"},
		{[]string{"/ssh/sshd_config", "/ssh/conf.d/"}, "/ssh/conf.d/ /ssh/sshd_config"},
		{[]string{"/ssh"}, "/ssh"},
		{[]string{"/ssh/sshd_config/"}, "/ssh/sshd_config"},
		{[]string{"/ssh/sshd_config/below"}, "/ssh/sshd_config"},
		{[]string{"/linked/"}, "/linked /real/"},
		{[]string{"/linked/x"}, "/linked/x"},
		{[]string{"/loop"}, "/loop"},
		{[]string{"/procfile"}, "/procfile"},
		{[]string{"/not/there/"}, "/not"},
		{[]string{"/not/there", "/not/either"}, "/not"},
	} {
		var names []string
		for _, n := range tt.names {
			names = append(names, dir+n)
		}
		rules, err := plan(names)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rules {
			if _, name, ok := strings.Cut(r.Text, "dir="+dir); ok {
				name, _, _ = strings.Cut(name, " ")
				got = append(got, name+"/")
			} else {
				_, name, _ := strings.Cut(r.Text, "-w "+dir)
				name, _, _ = strings.Cut(name, " ")
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if s := strings.Join(slices.Compact(got), " "); s != tt.want {
			t.Errorf("%q: watched %q, want %q", tt.names, s, tt.want)
		}
	}
	if _, err := plan([]string{"relative"}); err == nil {
		t.Error("a relative name was taken")
	}
	if rules, err := plan([]string{"/proc/cmdline", "/", "/sys/", "/dev/../proc/x"}); err != nil || len(rules) != 0 {
		t.Errorf("%d rules for names that cannot be watched, %v", len(rules), err)
	}
}

// TestPlanOfMany: of many names below /etc one rule is made, whatever there is of them;
// few have their own.
func TestPlanOfMany(t *testing.T) {
	var names []string
	for i := range 400 {
		names = append(names, fmt.Sprintf("/etc/none%d/file", i), fmt.Sprintf("/etc/none%d.d/", i))
	}
	texts := func(names []string) string {
		rules, err := plan(append(names, "/usr/none"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rules {
			got = append(got, r.Text)
		}
		slices.Sort(got)
		return strings.Join(got, "\n")
	}
	if got := texts(names); !strings.Contains(got, "dir=/etc ") || strings.Contains(got, "none1") || !strings.Contains(got, "/usr/none") {
		t.Errorf("many names: %s", got)
	}
	if got := texts(names[:4]); strings.Contains(got, "dir=/etc ") || !strings.Contains(got, "none1") {
		t.Errorf("few names: %s", got)
	}
}
