package sysctlconf

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"seawall/pkg/hostfs"
)

// look is what a script prints of a /proc/sys of plain files once the real
// systemd-sysctl has set it: name, "=", value. It runs in a mount namespace of its
// own, so that neither this machine's kernel nor its files are touched.
const look = `
set -e
tree=$1; shift
mount -t tmpfs tmpfs /proc/sys
for key; do mkdir -p "/proc/sys/$(dirname "$key")"; : > "/proc/sys/$key"; done
mount -t tmpfs tmpfs /run
mkdir /run/sysctl.d
mount -t tmpfs tmpfs /usr/local/lib
mkdir /usr/local/lib/sysctl.d
for dir in etc run usr/local/lib usr/lib; do mount --bind "$tree/$dir/sysctl.d" "/$dir/sysctl.d"; done
SYSTEMD_LOG_LEVEL=emerg /usr/lib/systemd/systemd-sysctl || true
cd /proc/sys
for key; do printf '%s=%s\n' "$key" "$(cat "$key")"; done
`

// keys are those of the /proc/sys that the real program sees.
var keys = []string{"kernel/a", "kernel/b", "kernel/c", "net/conf/all/f", "net/conf/default/f", "net/conf/eth0/f", "net/conf/eth0.1/f", "net/conf/lo/f"}

// TestSystemd compares with the real systemd-sysctl over made-up configurations.
func TestSystemd(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("systemd-sysctl runs in a mount namespace of its own: run the tests as root")
	}
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for seed := range uint64(rounds) {
		tree := t.TempDir()
		generate(t, rand.New(rand.NewPCG(seed, 1)), tree)
		cmd := exec.Command("sh", append([]string{"-c", look, "look", tree}, keys...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		root, err := hostfs.Open(tree)
		if err != nil {
			t.Fatal(err)
		}
		c, got := Load(root), ""
		for _, k := range keys {
			s, _ := c.Lookup("/" + k)
			got += k + "=" + s.Value + "\n"
		}
		if got != string(out) {
			files, _ := exec.Command("grep", "-r", "", tree).Output()
			t.Errorf("seed %d: got\n%swant\n%sof\n%s", seed, got, out, files)
		}
	}
}

// generate writes a configuration. Its values have one length: the real program
// does not cut a plain file to what it writes.
func generate(t *testing.T, r *rand.Rand, tree string) {
	t.Helper()
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for _, dir := range []string{"etc", "run", "usr/local/lib", "usr/lib"} {
		dir = filepath.Join(tree, dir, "sysctl.d")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for range r.IntN(3) {
			name := filepath.Join(dir, pick("10-a", "20-b", "30-c", ".40-d", "50-e~")+pick(".conf", ".conf", ".conf", ".bak"))
			if r.IntN(10) == 0 {
				os.Remove(name)
				if err := os.Symlink("/dev/null", name); err != nil {
					t.Fatal(err)
				}
				continue
			}
			var text strings.Builder
			for range r.IntN(8) {
				key := pick("kernel.a", "kernel/b", "/kernel//c/", "kernel.*", "kernel/[!a]", "kernel.{a,c}*", "kernel.{a,b}", "net.conf.*.f", "net/conf/*/f",
					"net.conf.all.f", "net.conf.eth0/1.f", "net/conf/eth0.1/f", "net.conf.[de]*.f", "net.conf.{all,lo}*.f", "net/conf/{all,d{x,e}*}/f", "net.conf.eth?.f", "*.*", "*")
				minus := pick("", "", "", "-")
				value := pick("=", " = ", "\t=  ") + fmt.Sprint(100+r.IntN(900))
				if minus != "" && r.IntN(2) == 0 {
					value = ""
				}
				text.WriteString(pick("", "", " ", "\t") + minus + key + value + pick("", " ") + pick("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\x00"))
				text.WriteString(pick("", "", "", "# c = 1\n", "; d\n", "nonsense\n"))
			}
			if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
