package unitfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
)

const timer = "[Unit]\nDescription=x\n[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"

// tree makes a root of files; a text that starts with "→" is a link.
func tree(t *testing.T, files map[string]string) (hostfs.Root, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "→"); ok {
			err = os.Symlink(target, name)
		} else {
			err = os.WriteFile(name, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root, dir
}

const (
	etc = "/etc/systemd/system/"
	run = "/run/systemd/system/"
	lib = "/usr/lib/systemd/system/"
)

// TestAgainstSystemctl holds Load against systemctl is-enabled on the same tree.
func TestAgainstSystemctl(t *testing.T) {
	program, err := exec.LookPath("systemctl")
	if err != nil {
		t.Fatalf("this test asks systemctl (Debian package systemd): %v", err)
	}
	for _, tt := range []struct {
		name    string
		files   map[string]string
		says    string // systemctl
		masked  bool
		started string
	}{
		{"enabled", map[string]string{lib + "a.timer": timer, etc + "timers.target.wants/a.timer": "→" + lib + "a.timer"}, "enabled", false, etc + "timers.target.wants/a.timer"},
		{"disabled", map[string]string{lib + "a.timer": timer}, "disabled", false, ""},
		{"masked", map[string]string{lib + "a.timer": timer, etc + "a.timer": "→/dev/null", etc + "timers.target.wants/a.timer": "→" + lib + "a.timer"}, "masked", true, ""},
		{"masked by a relative link", map[string]string{lib + "a.timer": timer, etc + "a.timer": "→../../../dev/null"}, "masked", true, ""},
		{"masked until boot", map[string]string{lib + "a.timer": timer, run + "a.timer": "→/dev/null"}, "masked-runtime", true, ""},
		{"masked by an empty file", map[string]string{lib + "a.timer": timer, etc + "a.timer": ""}, "masked", true, ""},
		{"the vendor's mask is overridden", map[string]string{lib + "a.timer": "→/dev/null", etc + "a.timer": timer}, "disabled", false, ""},
		{"started until boot", map[string]string{lib + "a.timer": timer, run + "timers.target.wants/a.timer": "→" + lib + "a.timer"}, "enabled-runtime", false, run + "timers.target.wants/a.timer"},
		{"required", map[string]string{lib + "a.timer": timer, etc + "x.service.requires/a.timer": "→" + lib + "a.timer"}, "enabled", false, etc + "x.service.requires/a.timer"},
		{"no install section", map[string]string{lib + "a.timer": "[Timer]\nOnCalendar=daily\n"}, "static", false, ""},
		{"missing", map[string]string{lib + "b.timer": timer}, "", false, ""},
		{"vendor's link", map[string]string{lib + "a.timer": "[Timer]\nOnCalendar=daily\n", lib + "timers.target.wants/a.timer": "→../a.timer"}, "static", false, lib + "timers.target.wants/a.timer"},
		{"vendor's link is denied", map[string]string{lib + "a.timer": "[Timer]\nOnCalendar=daily\n", lib + "timers.target.wants/a.timer": "→../a.timer", etc + "timers.target.wants/a.timer": "→/dev/null"}, "", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, dir := tree(t, tt.files)
			u, err := Load(root, "a.timer")
			if tt.name == "missing" {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%v, want that it does not exist", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if u.Masked != tt.masked || u.Start != tt.started {
				t.Errorf("masked %v by %q, started by %q", u.Masked, u.Fragment, u.Start)
			}
			if tt.says == "" {
				return
			}
			out, _ := exec.Command(program, "--root="+dir, "is-enabled", "a.timer").Output()
			if got := strings.TrimSpace(string(out)); got != tt.says {
				t.Errorf("systemctl says %q, the test expects %q", got, tt.says)
			}
		})
	}
}

func TestValues(t *testing.T) {
	root, _ := tree(t, map[string]string{
		lib + "a.service":                    "# c\n[Service]\nType=oneshot\nExecStart=/bin/a \\\n# within\n  --timer\r\n;x\nEnvironment=A=b\n[Install]\nExecStart=/no\n",
		lib + "a.service.d/10-x.conf":        "[Service]\nExecStart=/hidden\n",
		etc + "a.service.d/10-x.conf":        "[Service]\nExecStart=\nExecStart=/bin/b --install\n",
		etc + "service.d/05-all.conf":        "[Service]\nNice=5\n",
		etc + "a.service.d/20-null.conf":     "→/dev/null",
		etc + "a.service.d/readme":           "[Service]\nExecStart=/no\n",
		"/run/systemd/system/b.service.d/no": "",
	})
	u, err := Load(root, "a.service")
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{{"Service", "ExecStart", "/bin/b --install", etc + "a.service.d/10-x.conf", 3}}
	if d := cmp.Diff(want, u.Values("Service", "ExecStart")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff([]string{etc + "service.d/05-all.conf", etc + "a.service.d/10-x.conf"}, u.Dropins); d != "" {
		t.Errorf("drop-ins (-want +got):\n%s", d)
	}
	if got := Parse("f", []byte("[S]\nA=1 \\\n\\\n 2")); len(got) != 1 || got[0].Value != "1    2" || got[0].Line != 2 {
		t.Errorf("continued lines: %+v", got)
	}
}

func TestHostile(t *testing.T) {
	root, _ := tree(t, map[string]string{
		etc + "big.timer":     strings.Repeat("x", maxFile+1),
		etc + "dir.timer/x":   "",
		etc + "loop.timer":    "→loop.timer",
		etc + "plain.wants":   "a file where a directory is expected",
		etc + "plain.timer":   timer,
		etc + "plain.timer.d": "neither is this one",
	})
	for _, name := range []string{"big.timer", "dir.timer", "loop.timer", "", "../x"} {
		if u, err := Load(root, name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %+v, %v, want an error", name, u, err)
		}
	}
	if u, err := Load(root, "plain.timer"); err != nil || u.Start != "" {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestContinuedAtLength: a line that goes on a hundred thousand times is joined once,
// and drop-ins have a bound together.
func TestContinuedAtLength(t *testing.T) {
	const lines = 100_000
	text := []byte("[S]\nA=1" + strings.Repeat("\\\n", lines) + "2\nB=3\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := Parse("f", text)
	runtime.ReadMemStats(&after)
	if len(got) != 2 || got[0].Value != "1"+strings.Repeat(" ", lines)+"2" || got[1].Line != lines+3 {
		t.Errorf("got %d settings", len(got))
	}
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 8 {
		t.Errorf("%d bytes took %d MiB", len(text), used)
	}
	files := map[string]string{etc + "a.timer": timer}
	for i := range 20 {
		files[fmt.Sprintf("%sa.timer.d/%d.conf", etc, i)] = "[S]\n" + strings.Repeat("a=\n", maxLines/20+2)
	}
	root, _ := tree(t, files)
	if u, err := Load(root, "a.timer"); err == nil {
		t.Errorf("a unit of %d settings, want an error", len(u.settings))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(timer))
	f.Add([]byte("[Service]\nExecStart=/bin/a \\\n# c\n --b\n\nExecStart=\n[x\n=\n\\\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Count(string(text), "\n") + 1
		for _, s := range Parse("f", text) {
			if s.Line < 1 || s.Line > lines || strings.ContainsAny(s.Key, "=\n") {
				t.Fatalf("%+v", s)
			}
		}
	})
}
