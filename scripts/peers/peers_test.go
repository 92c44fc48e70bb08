package peers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// bin is where the programs are built, removed at the end.
var bin string

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "peers"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(bin)
	os.Exit(code)
}

// build builds the programs once, as they are shipped.
var build = sync.OnceValue(func() error {
	if out, err := exec.Command("make", "-s", "-C", "../..", "build", "BIN="+bin).CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	return nil
})

func seawall(b *testing.B) string {
	b.Helper()
	must(b, build())
	return filepath.Join(bin, "seawall")
}

// command is a program with its arguments.
type command struct {
	name   string // of the row
	argv   []string
	env    []string
	status []int // that it may end with, beside 0
}

// cost is what one run took.
type cost struct {
	cpu  time.Duration
	wait time.Duration
	rss  float64 // MB
}

// launcher tells the number of a process that becomes the program once descriptor 3
// is closed at its other end. The kernel counts for a process the size that was
// there before it became the program: of a small shell that is nothing, of this
// process (and of go test) it would be more than what is measured.
const launcher = `{ read -r _ <&3; exec "$@" 3<&-; } </dev/null >/dev/null 2>&1 & echo $!`

// run runs a command once.
func run(t testing.TB, c command) cost {
	t.Helper()
	must(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) // what the shell leaves is ours to wait for
	gate, open, err := os.Pipe()
	must(t, err)
	cmd := exec.Command("/bin/sh", append([]string{"-c", launcher, "sh"}, c.argv...)...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C.UTF-8"), c.env...)
	cmd.ExtraFiles = []*os.File{gate}
	out, err := cmd.Output()
	gate.Close()
	start := time.Now()
	open.Close()
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	must(t, err)
	var status unix.WaitStatus
	var used unix.Rusage
	for {
		if _, err = unix.Wait4(pid, &status, 0, &used); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	must(t, err)
	if code := status.ExitStatus(); code != 0 && !slices.Contains(c.status, code) {
		t.Fatalf("%v: exit status %d", c.argv, code)
	}
	return cost{
		cpu:  time.Duration(used.Utime.Nano() + used.Stime.Nano()),
		wait: time.Since(start),
		rss:  float64(used.Maxrss) / 1024,
	}
}

// compare measures commands that answer one question. The first is ours. Times are
// medians, since the machine may be shared.
func compare(b *testing.B, all ...command) {
	b.Helper()
	var ours, oursRSS float64
	for i, c := range all {
		b.Run(c.name, func(b *testing.B) {
			if _, err := exec.LookPath(c.argv[0]); err != nil {
				b.Skip("not installed")
			}
			var cpu, wait []time.Duration
			rss := 0.0
			for b.Loop() {
				one := run(b, c)
				cpu, wait = append(cpu, one.cpu), append(wait, one.wait)
				rss = max(rss, one.rss)
			}
			b.ReportMetric(0, "ns/op") // wait-ms
			b.ReportMetric(median(cpu), "cpu-ms")
			b.ReportMetric(rss, "rss-MB")
			b.ReportMetric(median(wait), "wait-ms")
			if i == 0 {
				ours, oursRSS = median(cpu), rss
			} else if ours > 0 {
				b.ReportMetric(median(cpu)/ours, "cpu-ratio")
				b.ReportMetric(rss/oursRSS, "rss-ratio")
			}
		})
	}
}

// median returns the middle one in milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return d[len(d)/2].Seconds() * 1000
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkHost asks about the running system.
func BenchmarkHost(b *testing.B) {
	compare(b,
		command{name: "seawall-patch", argv: []string{seawall(b), "patch"}, status: []int{1}},
		command{name: "apt-get-s-dist-upgrade", argv: []string{"apt-get", "-s", "dist-upgrade"}},
		command{name: "apt-list-upgradable", argv: []string{"apt", "list", "--upgradable"}},
	)
}

// BenchmarkCheck asks for the whole posture of the running system.
func BenchmarkCheck(b *testing.B) {
	check := command{name: "seawall-check", argv: []string{seawall(b), "check", "--format", "json"}, status: []int{1, 2}}
	b.Run("size", func(b *testing.B) {
		for b.Loop() {
			cmd := exec.Command(check.argv[0], check.argv[1:]...)
			out, err := cmd.Output()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(out))/1e3, "output-kB")
			b.ReportMetric(float64(started(b, check)), "processes")
		}
		b.ReportMetric(0, "ns/op")
	})
	compare(b, check,
		command{name: "lynis", argv: []string{"lynis", "audit", "system", "--quick", "--no-colors", "--quiet", "--no-log"}, status: []int{78}},
	)
}

// started counts the programs that a command starts.
func started(b *testing.B, c command) int {
	b.Helper()
	trace := filepath.Join(b.TempDir(), "trace")
	cmd := exec.Command("strace", append([]string{"-f", "-qq", "-e", "trace=execve", "-o", trace}, c.argv...)...)
	if err := cmd.Run(); cmd.ProcessState == nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(trace)
	must(b, err)
	return strings.Count(string(text), ") = 0\n") - 1 // its own
}

// BenchmarkRPM asks about a made root.
func BenchmarkRPM(b *testing.B) {
	h := bigHost(b)
	compare(b,
		command{name: "seawall-patch", argv: []string{seawall(b), "patch", "--root", h.dir}, status: []int{1}},
		command{name: "dnf-C-updateinfo-list-security", argv: h.dnf("-C", "updateinfo", "list", "--security"), env: h.env()},
	)
}

// BenchmarkRestart asks which processes run replaced files.
func BenchmarkRestart(b *testing.B) {
	compare(b,
		command{name: "seawall-facts-restart", argv: []string{seawall(b), "facts", "restart"}, status: []int{2}},
		command{name: "needrestart", argv: []string{"needrestart", "-b", "-r", "l"}, status: []int{1, 2, 3}},
		command{name: "checkrestart", argv: []string{"checkrestart"}},
	)
}

// TestRun: what a process really took is what is told, whatever this one is.
func TestRun(t *testing.T) {
	const held = 96
	dd := command{argv: []string{"dd", "if=/dev/zero", "of=/dev/null", fmt.Sprintf("bs=%dM", held), "count=1"}}
	if got := run(t, dd); got.rss < held || got.rss > held+16 || got.cpu <= 0 || got.wait <= 0 {
		t.Errorf("a process of %d MB: %+v", held, got)
	}
	if got := run(t, command{argv: []string{"sh", "-c", "exit 3"}, status: []int{3}}); got.rss > 8 {
		t.Errorf("a shell: %+v", got)
	}
}
