package hostile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"seawall/pkg/text"
)

// Bounds of one run over any host.
const (
	maxCPU = 5 * time.Second
	maxRSS = 144 << 10 // KiB: half as much, and what a busy machine leaves uncollected; the sensor may have 192 MiB
)

// programs is where the program is built.
var programs string

func TestMain(m *testing.M) {
	if root := os.Getenv(liveRoot); root != "" {
		fmt.Fprintln(os.Stderr, inside(root, os.Args[1:]))
		os.Exit(3)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "hostile"); err == nil {
		defer os.RemoveAll(programs)
		build := exec.Command("go", "build", "-o", programs, "seawall/agent/cmd/seawall", "seawall/scripts/hostile/ran", "seawall/scripts/hostile/measured")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // no host of the tests has a C library
		var out []byte
		if out, err = build.CombinedOutput(); err != nil {
			err = fmt.Errorf("build programs: %w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// harmless fails the test unless every line of out is what it seems.
func harmless(t *testing.T, what, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if line = strings.TrimSuffix(line, "\n"); text.Terminal(line) != line {
			t.Errorf("%s: steers the terminal: %.200q", what, line)
		}
	}
}

// wrong unpacks the host that is wrong wherever it can be.
func wrong(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	a, err := txtar.ParseFile("testdata/root.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		put(t, filepath.Join(root, f.Name), f.Data)
	}
	return root
}

func put(t *testing.T, name string, data []byte) {
	t.Helper()
	mode := fs.FileMode(0o644)
	if strings.Contains(name, "bin/") {
		mode = 0o755
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, mode)); err != nil {
		t.Fatal(err)
	}
}

// answer is what "check --format json" says.
type answer struct {
	Results []struct {
		Check, Resource, Status, Actual string
	}
}

// bounded runs the real program in a process of its own, and fails the test where
// it takes more than it may, breaks down or lets anything through to a terminal.
func bounded(t *testing.T, what string, args ...string) (out string, r answer) {
	t.Helper()
	return within(t, what, maxCPU, maxRSS, exec.Command(filepath.Join(programs, "seawall"), args...))
}

// within is bounded for a command that is ready to run.
func within(t *testing.T, what string, maxCPU time.Duration, maxRSS int64, cmd *exec.Cmd) (out string, r answer) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	usage := filepath.Join(t.TempDir(), "usage")
	file, err := os.Create(usage)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd.Args = append([]string{"measured", cmd.Path}, cmd.Args[1:]...)
	cmd.Path, cmd.ExtraFiles = filepath.Join(programs, "measured"), []*os.File{file}
	if err = cmd.Start(); err == nil {
		late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
		err = cmd.Wait()
		late.Stop()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || cmd.ProcessState.ExitCode() > 2 || cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("%s: %v\n%.3000s", what, err, stderr.String())
	}
	said, err := os.ReadFile(usage)
	if err != nil {
		t.Fatal(err)
	}
	rss, err := strconv.ParseInt(strings.TrimSpace(string(said)), 10, 64)
	if err != nil {
		t.Fatalf("%s: what it took is not told: %v\n%.3000s", what, err, stderr.String())
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	t.Logf("%s: %v of CPU, %d KiB of memory", what, cpu.Round(time.Millisecond), rss)
	if cpu > maxCPU || rss > maxRSS {
		t.Errorf("%s: took %v of CPU and %d KiB of memory", what, cpu, rss)
	}
	out = stdout.String()
	if i := strings.Index(out, "broke down"); i >= 0 {
		t.Errorf("%s: %.3000s", what, out[max(0, i-200):])
	}
	harmless(t, what, out+stderr.String())
	if slices.Contains(cmd.Args, "check") {
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil || len(r.Results) < 300 {
			t.Fatalf("%s: %d results, %v: %.300s", what, len(r.Results), err, out)
		}
	}
	return out, r
}

// check is a look at an image by every check there is.
func check(t *testing.T, what, root string) answer {
	t.Helper()
	_, r := bounded(t, what, "check", "--profile", "all", "--format", "json", "--root", root)
	return r
}

// passed lists the checks that hold, on every resource.
func (r answer) passed() map[string]bool {
	passed := map[string]bool{}
	for _, one := range r.Results {
		ok, seen := passed[one.Check]
		passed[one.Check] = (ok || !seen) && one.Status == "pass"
	}
	return passed
}

// depends lists what the facts of an image depend on.
func depends(t *testing.T, root string) (names []string) {
	t.Helper()
	out, _ := bounded(t, "facts", "facts", "--format", "json", "--root", root)
	var groups map[string]struct {
		Meta struct{ Depends []string }
	}
	if err := json.Unmarshal([]byte(out), &groups); err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		names = append(names, g.Meta.Depends...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestSecretsStay: what a host keeps secret is in no fact and in no result.
func TestSecretsStay(t *testing.T) {
	root := wrong(t)
	for _, args := range [][]string{{"facts"}, {"facts", "--format", "json"}, {"check", "--profile", "all", "--format", "json"}} {
		out, _ := bounded(t, "secrets", append(args, "--root", root)...)
		for line := range strings.Lines(out) {
			if strings.Contains(line, "hunter2") {
				t.Errorf("%s: %s", args[0], text.Clean(line, 300))
			}
		}
	}
}

// kinds are what may stand in a file's place.
var kinds = []struct {
	name string
	shut bool // it cannot be read as a file
	put  func(path string) error
}{
	{"fifo", true, func(p string) error { return syscall.Mkfifo(p, 0o644) }},
	{"directory", true, func(p string) error { return os.Mkdir(p, 0o755) }},
	{"loop", true, func(p string) error { return os.Symlink(filepath.Base(p), p) }},
	{"device", true, func(p string) error {
		if os.Geteuid() != 0 {
			return os.Symlink("/dev/zero", p)
		}
		return syscall.Mknod(p, syscall.S_IFCHR|0o644, 1<<8|5) // zero
	}},
	{"socket", true, func(p string) error { return syscall.Mknod(p, syscall.S_IFSOCK|0o644, 0) }},
	{"up", false, func(p string) error { return os.Symlink(strings.Repeat("../", 40)+"etc/shadow", p) }},
	{"nul", false, func(p string) error { return os.WriteFile(p, make([]byte, 64<<10), 0o644) }},
	{"invalid", false, func(p string) error {
		return os.WriteFile(p, []byte(strings.Repeat("\xff\xfe\x80 = {\xc3\x28\n[\xf5\n\"\\\n\u202e:\x1b[2J\r", 4<<10)), 0o644)
	}},
	{"line", false, func(p string) error { return os.WriteFile(p, bytes.Repeat([]byte("a b"), 1<<20/3), 0o644) }},
	{"nested", false, func(p string) error {
		return os.WriteFile(p, []byte(strings.Repeat("a {\n", 20<<10)+strings.Repeat("{[(\"", 20<<10)), 0o644)
	}},
	{"itself", false, func(p string) error {
		host := hostName(p)
		return os.WriteFile(p, []byte(strings.Repeat(fmt.Sprintf(
			"include %[1]s\ninclude %[1]s;\ninclude \"%[1]s\";\n@include %[1]s\nInclude %[1]s\nsource %[1]s\n. %[1]s\n!include %[1]s\nimport %[1]s\nimports = [\"%[1]s\"]\ninclude = %[1]s\n.include %[1]s\n$IncludeConfig %[1]s\n",
			host), 300)), 0o644)
	}},
	{"huge", true, func(p string) error {
		f, err := os.Create(p)
		if err != nil {
			return err
		}
		return errors.Join(f.Truncate(1<<30), f.Close())
	}},
}

// hostName is a file's name on the host: what follows the test's directory.
func hostName(p string) string {
	if _, name, ok := strings.Cut(p, "/001/"); ok {
		return "/" + name
	}
	return p
}

// files are those names that stand for files, not for directories above others.
func files(names []string) (list []string) {
	for _, n := range names {
		above := slices.ContainsFunc(names, func(o string) bool { return strings.HasPrefix(o, n+"/") })
		if !strings.HasSuffix(n, "/") && !above {
			list = append(list, n)
		}
	}
	return list
}

// TestHostileFiles: with anything at all in the place of what is read, a look ends
// soon and no check passes that did not before.
func TestHostileFiles(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			root := wrong(t)
			before := check(t, "before", root).passed()
			names := slices.DeleteFunc(files(depends(t, root)), func(n string) bool {
				return n == "/etc/passwd" || n == "/etc/group" || strings.Contains(n, "bin/") // without them nothing else is asked
			})
			for i, n := range names {
				// A megabyte each of all of them would be a quarter of a gigabyte to read.
				if kind.name != "line" || i%3 == 0 {
					replace(t, filepath.Join(root, n), kind.put)
				}
			}
			for name, ok := range check(t, kind.name, root).passed() {
				if ok && kind.shut && !before[name] && !rightly[name] {
					t.Errorf("%s: passes", name)
				}
			}
		})
	}
}

// rightly names the checks that may pass all the same, and why.
var rightly = map[string]bool{
	"tls-trust-added": true, "tls-trust-store": true, // there was no store before, and its size hides nothing
	// sshd takes a directory for an empty configuration, and so it is one.
	"ssh-keys-readable": true, "ssh-permit-empty-passwords": true, "ssh-keys-command-user": true,
}

func replace(t *testing.T, path string, put func(string) error) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o755), put(path)); err != nil {
		t.Fatal(err)
	}
}
