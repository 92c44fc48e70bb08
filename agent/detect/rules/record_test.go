package rules

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/pkg/auditlog"
	"seawall/pkg/kaudit"
)

// With -record=PATTERN the behaviours of testdata/behaviours.txtar whose names contain
// it are run, and those that have no records yet, and testdata/captures.gz holds what
// kernel audit said of them; so those of public.txtar and public.gz:
//
//	go test ./agent/detect/rules -run Record -record=.
//
// It needs root and the programs that behaviours name (busybox, python3, socat, at, …), has copies of /etc, /var and /usr, and empty /root, /home, /opt, /run and /tmp, in
// namespaces of its own, and takes the lock of all tests that use kernel audit, for a
// few behaviours at a time.
var record = flag.String("record", "", "run the behaviours whose names contain this, . for all")

const (
	lockFile = "/tmp/seawall-audit.lock"
	marker   = "seawall-end-of-behaviour"
	loginUID = "4242" // of the behaviours; 4243 is of who logs in within one
	round    = 20     // behaviours for which the lock is held
	tries    = 3      // of a behaviour whose records were not all seen
)

// sandbox is what a behaviour runs in: $1 a directory for mounts, $2 the audit rules,
// $3 what is to be prepared, $4 the behaviour.
const sandbox = `
mount -t tmpfs none /run && mkdir -p /run/lock || exit 1
cp "$2" /run/rules; cp "$3" /run/p; cp "$4" /run/b
mount -t tmpfs none "$1" || exit 1
mkdir "$1/etc" && cp -a /etc/. "$1/etc" && mount --bind "$1/etc" /etc || exit 1 # inodes as audit tells them
for d in var usr; do
	mkdir -p "$1/$d/u" "$1/$d/w" && mount -t overlay none -o "lowerdir=/$d,upperdir=$1/$d/u,workdir=$1/$d/w" "/$d" || exit 1
done
for d in root home opt; do mount -t tmpfs -o mode=755 none /$d || exit 1; done
mount -t tmpfs -o mode=1777 none /tmp
cp /etc/skel/.[a-z]* /root
mkdir -p /var/spool/cron /var/log
touch /var/log/wtmp /var/log/btmp /var/log/lastlog
ip link set lo up
for a in 198.51.100.1 203.0.113.1 169.254.169.1; do ip addr add $a/24 dev lo; done # of documentation, and of metadata
hostname web-1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
cd /root
sh -e /run/p || exit 1 # may add to /run/rules
auditctl -R /run/rules > /run/rules.out 2>&1 || { cat /run/rules.out; exit 1; }
test "$(auditctl -l | grep -c '^-[aw]')" = "$(grep -c '^-[aw]' /run/rules)" || { auditctl -l; exit 1; }
find /etc /root /var/spool/cron /var/log /usr/lib/systemd /usr/lib/*/security -xdev -printf '%D %i %p\n' >&3
find /usr/bin /usr/sbin -maxdepth 0 -printf '%D %i %p\n' >&3
exec 3>&-
echo ` + loginUID + ` > /proc/self/loginuid
sh /run/b
/bin/true ` + marker + `
`

func TestRecord(t *testing.T) {
	if *record == "" {
		return
	}
	recordAll(t, "testdata/behaviours.txtar", "testdata/captures.gz")
	recordAll(t, "testdata/public.txtar", "testdata/public.gz")
}

func recordAll(t *testing.T, behaviours, name string) {
	t.Helper()
	all, err := txtar.ParseFile(behaviours)
	if err != nil {
		t.Fatal(err)
	}
	have := captures(t, name)
	wanted := slices.DeleteFunc(slices.Clone(all.Files), func(f txtar.File) bool {
		return have[f.Name] != nil && *record != "." && !strings.Contains(f.Name, *record)
	})
	for some := range slices.Chunk(wanted, round) {
		t.Run(some[0].Name, func(t *testing.T) {
			conn := kernel(t)
			for _, f := range some {
				have[f.Name] = behave(t, conn, f)
			}
		})
		write(t, name, all.Files, have)
	}
}

// write writes the captures of behaviours, in their order.
func write(t *testing.T, name string, behaviours []txtar.File, all map[string][]byte) {
	t.Helper()
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range behaviours {
		if all[f.Name] == nil {
			continue
		}
		if _, err := fmt.Fprintf(z, "-- %s --\n%s", f.Name, all[f.Name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func auditctl(t *testing.T, args ...string) {
	t.Helper()
	if text, err := exec.Command("auditctl", args...).CombinedOutput(); err != nil {
		t.Errorf("auditctl %v: %v\n%s", args, err, text)
	}
}

// clear removes all rules. Those on files of a mount namespace that ended go by
// themselves, at any time: then auditctl -D finds less than it was told of.
func clear(t *testing.T) {
	t.Helper()
	for range 100 {
		_ = exec.Command("auditctl", "-D").Run() // what counts is the list
		if text, err := exec.Command("auditctl", "-l").Output(); err == nil && strings.TrimSpace(string(text)) == "No rules" {
			return
		}
	}
	t.Fatal("auditctl -D leaves rules")
}

// kernel takes the audit system, and gives it back as a fresh one is.
func kernel(t *testing.T) *kaudit.Conn {
	t.Helper()
	lock, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	clear(t)
	auditctl(t, "-e", "1")
	auditctl(t, "-b", "8192")
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		clear(t)
		auditctl(t, "-e", "0")
		auditctl(t, "-b", "64")
		lock.Close()
	})
	return conn
}

// limited returns detect.rules for processes of the behaviours alone.
func limited(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("detect.rules")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), " -k ", " -F auid="+loginUID+" -k ")
}

// behave runs one behaviour and returns its records as auditd would write them.
func behave(t *testing.T, conn *kaudit.Conn, f txtar.File) []byte {
	t.Helper()
	var why string
	for range tries {
		clear(t)
		auditctl(t, "--reset-lost")
		k, output, err := attempt(t, conn, f)
		clear(t)
		status, serr := exec.Command("auditctl", "-s").Output()
		switch {
		case serr != nil:
			t.Fatal(serr)
		case !k.done:
			why = fmt.Sprintf("%v without its end\n%s", err, output)
		case !bytes.Contains(status, []byte("\nlost 0\n")) || conn.Overruns() > 0:
			why = "the kernel lost records"
		default:
			if testing.Verbose() {
				t.Logf("%s: %d records\n%s", f.Name, len(k.lines), output)
			}
			return k.text()
		}
	}
	t.Errorf("%s: %s", f.Name, why)
	return nil
}

// attempt runs a behaviour once.
func attempt(t *testing.T, conn *kaudit.Conn, f txtar.File) (k keeper, output []byte, err error) {
	t.Helper()
	dir := t.TempDir()
	prepare, script, both := strings.Cut(string(f.Data), "#--\n")
	if !both {
		prepare, script = "", prepare
	}
	mount := filepath.Join(dir, "m")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"rules": limited(t), "prepare": prepare, "script": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--net", "--uts", "--propagation", "private", "sh", "-c", sandbox, "sh", mount,
		filepath.Join(dir, "rules"), filepath.Join(dir, "prepare"), filepath.Join(dir, "script"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	places, err := os.Create(filepath.Join(dir, "places"))
	if err != nil {
		t.Fatal(err)
	}
	defer places.Close()
	cmd.ExtraFiles = []*os.File{places}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		time.AfterFunc(2*time.Second, cancel) // the marker is on its way, or never comes
	}()
	k.serials, k.pids = map[string]bool{}, map[string]bool{}
	err = conn.Receive(ctx, func(typ uint16, payload []byte) {
		if k.take(typ, payload); k.done {
			cancel()
		}
	})
	<-ended // killed with ctx, or what it ended with is part of the behaviour
	known, perr := os.ReadFile(places.Name())
	if perr != nil {
		t.Fatal(perr)
	}
	k.places = known
	return k, said.Bytes(), err
}

// keeper keeps the records of the behaviour's events: from its login on, those of its
// login users, and what their processes did to packet filters, whose records have none.
type keeper struct {
	places  []byte // of files: device, inode and name, each on a line
	lines   []line
	serials map[string]bool
	pids    map[string]bool
	begun   bool
	done    bool
}

type line struct {
	serial string
	text   string
}

func (k *keeper) take(typ uint16, payload []byte) {
	header, rest, _ := bytes.Cut(payload, []byte("): "))
	_, serial, _ := bytes.Cut(header, []byte(":"))
	k.begun = k.begun || typ == unix.AUDIT_LOGIN && bytes.Contains(rest, []byte(" auid="+loginUID+" "))
	if !k.begun || k.done {
		return // what follows the end is of the sandbox that goes
	}
	_, pid, _ := bytes.Cut(rest, []byte(" pid="))
	pid, _, _ = bytes.Cut(pid, []byte(" "))
	switch {
	case bytes.Contains(rest, []byte("auid="+loginUID+" ")) || bytes.Contains(rest, []byte("auid=4243 ")):
		k.serials[string(serial)] = true
		k.pids[string(pid)] = true
	case typ == unix.AUDIT_NETFILTER_CFG && k.pids[string(pid)]:
		k.serials[string(serial)] = true
	}
	k.lines = append(k.lines, line{string(serial), fmt.Sprintf("type=%s msg=%s\n", auditlog.Name(typ), bytes.TrimRight(payload, "\x00\n"))})
	if bytes.Contains(rest, []byte(`"`+marker+`"`)) {
		k.done = true
		delete(k.serials, string(serial))
	}
}

func (k *keeper) text() []byte {
	var out []byte
	for _, l := range k.lines {
		if k.serials[l.serial] {
			out = append(out, l.text...)
		}
	}
	return append(k.seen(out), out...)
}

// seen returns the places of files that are in records, as replay reads them.
func (k *keeper) seen(records []byte) []byte {
	var out []byte
	for line := range bytes.Lines(k.places) {
		var dev, inode uint64
		var name string
		if n, err := fmt.Sscanf(string(line), "%d %d %s", &dev, &inode, &name); n != 3 || err != nil {
			continue // a name with blanks is none of those
		}
		file := fmt.Sprintf("%02x:%02x", unix.Major(dev), unix.Minor(dev))
		if bytes.Contains(records, fmt.Appendf(nil, " inode=%d dev=%s ", inode, file)) {
			out = fmt.Appendf(out, "# %s %d %s\n", file, inode, name)
		}
	}
	return out
}
