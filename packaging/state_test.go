package packaging

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// machine is a Debian with systemd in a container (scripts/droplet), for as long as the test: without
// kernel audit, without a network, with a resolver that is not there.
type machine struct{ name string }

func newMachine(t *testing.T) machine {
	t.Helper()
	if out, err := exec.Command("../scripts/droplet/droplet-vm", "build").CombinedOutput(); err != nil {
		t.Fatalf("droplet-vm build: %v\n%s", err, out)
	}
	m := machine{fmt.Sprintf("state-%d", os.Getpid())}
	// It ends with its standard input, and so with this process.
	cmd := exec.Command("../scripts/droplet/droplet-ns", "with", "-n", m.name, "--", "sh", "-c", "echo ready; cat")
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
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("container: %v", err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("container: %q, %v", line, err)
	}
	return m
}

// words are the script's own: states are waited for, since systemd starts again in its own time.
const words = `
# until_ COMMAND: for two minutes at most
until_() { for i in $(seq 600); do if eval "$1" >/dev/null 2>&1; then return 0; fi; sleep 0.2; done; echo "never: $1: ${text:-}"
	for u in seawall-sensor seawall-uplink; do systemctl --no-pager -l status $u; done; seawall status; seawall-uplink status; journalctl --no-pager -o cat -n 30; exit 1; }
# says UNIT TEXT: in systemctl status
says() { text=$2; until_ "systemctl --no-pager -l status $1 | grep -F -- \"\$text\""; }
# shows PROGRAM TEXT: in its status, whatever its exit status
shows() { text=$2; until_ "{ $1 status 2>&1 || true; } | grep -F -- \"\$text\""; }
# logged UNIT TEXT: in the journal
logged() { text=$2; until_ "journalctl --no-pager -o cat -u $1 | grep -F -- \"\$text\""; }
works() { until_ "systemctl is-active -q $1"; }
# uplink ADDRESS: another file takes the place of the one there was, as editors do it
uplink() { printf 'collector: %s\nmax_backoff: 4s\n' "$1" >/etc/seawall/new; mv /etc/seawall/new /etc/seawall/uplink.yaml; }
token() { seawall-collector token create 2>/dev/null; }
`

// run runs a script in the machine.
func (m machine) run(t *testing.T, script string) {
	t.Helper()
	cmd := exec.Command("../scripts/droplet/droplet-ns", "run", "-n", m.name, "--", "bash", "-ec", words+script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestState does with the packages what goes wrong on hosts, one after the other. In each case the host
// says what is wrong in systemd's status of the unit, in our own and in the journal, and goes on by
// itself when it is mended: no step here starts or restarts a service to heal it.
func TestState(t *testing.T) {
	dir, m := build(t), newMachine(t)
	list, err := filepath.Glob(filepath.Join(dir, "seawall*.deb"))
	if err != nil || len(list) != 4 {
		t.Fatalf("%d packages: %v", len(list), err)
	}
	if out, err := exec.Command("../scripts/droplet/droplet-ns", append(append([]string{"copy", "-n", m.name}, list...), "vm:/root/")...).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	for _, step := range states() {
		if !t.Run(step.name, func(t *testing.T) { m.run(t, step.script) }) {
			return // the next begins where this one should have ended
		}
	}
}

// state is one thing that goes wrong, and is mended.
type state struct{ name, script string }

func states() []state {
	return append(append(append(startStates(), tokenStates()...), networkStates()...), backupStates()...)
}

// startStates are those in which a program cannot start, or not do its work.
func startStates() []state {
	return []state{
		{"no audit", `
			dpkg --force-unsafe-io -i /root/seawall*_1.0.0-1_*.deb </dev/null >/root/log 2>&1 || { cat /root/log; exit 1; }
			says seawall-sensor "audit off, who makes changes is not seen: open audit socket: the kernel has no audit support"
			shows seawall "running, last heartbeat"
			logged seawall-sensor "kernel audit cannot be read"
			says seawall-uplink "ConditionPathExists=/etc/seawall/uplink.yaml was not met"
			shows seawall-uplink "collector is not set: in /etc/seawall/uplink.yaml"`},
		{"settings wrong before an upgrade", `
			echo "profil: cis-1" >>/etc/seawall/sensor.yaml
			line=$(wc -l </etc/seawall/sensor.yaml)
			dpkg --force-unsafe-io -i /root/seawall_2.0.0-1_*.deb </dev/null >/root/log 2>&1 || { cat /root/log; exit 1; }
			test "$(dpkg-query -W -f '${db:Status-Status} ${Version}' seawall)" = "installed 2.0.0-1"
			wrong="/etc/seawall/sensor.yaml:$line:1: unknown setting \"profil\""
			grep -qF "$wrong" /root/log || { cat /root/log; exit 1; }
			says seawall-sensor "does not start: $wrong"
			shows seawall "does not start: $wrong"
			logged seawall-sensor "seawall: $wrong"
			# Tried again by itself, and not thirty times a minute: it waits for the file.
			until_ "systemctl show -p NRestarts --value seawall-sensor | grep -v ^0"
			until_ "systemctl show -p SubState --value seawall-sensor | grep -x start"
			sed -i '$d' /etc/seawall/sensor.yaml
			works seawall-sensor`},
		{"a check of their own is wrong", `
			echo "checks: [{id: x}]" >/etc/seawall/checks.d/own.yaml
			if systemctl restart seawall-sensor 2>/dev/null; then exit 1; fi
			says seawall-sensor "does not start: /etc/seawall/checks.d/own.yaml:1"
			rm /etc/seawall/checks.d/own.yaml
			works seawall-sensor`},
		{"settings of a newer systemd", `
			mkdir -p /run/systemd/system/seawall-sensor.service.d
			printf '[Service]\nNewerThanThis=yes\nRestartSteps=5\n' >/run/systemd/system/seawall-sensor.service.d/newer.conf
			systemctl daemon-reload
			systemctl restart seawall-sensor
			until_ "journalctl --no-pager -o cat | grep -F newer.conf:2: | grep -F 'Unknown key'"
			works seawall-sensor
			rm -r /run/systemd/system/seawall-sensor.service.d; systemctl daemon-reload`},
		{"a full disk", `
			systemctl stop seawall-sensor
			mount -t tmpfs -o size=64k none /var/lib/seawall
			head -c 1M /dev/zero >/var/lib/seawall/fill 2>/dev/null || true
			if systemctl start seawall-sensor 2>/dev/null; then exit 1; fi
			says seawall-sensor "does not start: open spool: lane detections"
			shows seawall "no space left on device"
			logged seawall-sensor "no space left on device"
			mount -o remount,size=16M /var/lib/seawall
			works seawall-sensor`},
		{"a disk that fills up", `
			echo "heartbeat_interval: 1s" >>/etc/seawall/sensor.yaml
			systemctl restart seawall-sensor
			head -c 32M /dev/zero >/var/lib/seawall/fill 2>/dev/null || true
			says seawall-sensor "findings cannot be kept: append to spool"
			shows seawall "no space left on device"
			shows seawall "running, but writes nothing"
			logged seawall-sensor "not in the spool"
			rm /var/lib/seawall/fill
			until_ "! systemctl status seawall-sensor | grep 'cannot be kept'"
			shows seawall "running, last heartbeat"
			sed -i '$d' /etc/seawall/sensor.yaml
			systemctl stop seawall-sensor; umount /var/lib/seawall; systemctl start seawall-sensor`},
		{"settings of the uplink wrong", `
			printf 'colector: c:1\nlog_level: loud\n' >/etc/seawall/uplink.yaml
			says seawall-uplink 'does not start: /etc/seawall/uplink.yaml:1: unknown setting "colector" (and 2 more'
			shows seawall-uplink 'does not start: /etc/seawall/uplink.yaml:1: unknown setting "colector"'
			logged seawall-uplink '/etc/seawall/uplink.yaml:2: log_level: "loud" is not debug'
			uplink 127.0.0.1:9443
			works seawall-uplink
			says seawall-uplink "waiting for a token: make a token"`},
		{"no room for the identity", `
			systemctl stop seawall-uplink
			mount -t tmpfs -o size=4k,mode=700 none /var/lib/seawall-uplink
			head -c 64k /dev/zero >/var/lib/seawall-uplink/fill 2>/dev/null || true
			if systemctl start seawall-uplink 2>/dev/null; then exit 1; fi
			says seawall-uplink "does not start: write identity: write /var/lib/seawall-uplink/identity.json: no space left on device"
			shows seawall-uplink "no space left on device"
			rm /var/lib/seawall-uplink/fill; mount -o remount,size=1M /var/lib/seawall-uplink
			works seawall-uplink
			systemctl stop seawall-uplink; umount /var/lib/seawall-uplink; systemctl start seawall-uplink`},
	}
}

// tokenStates are those in which the collector is there, and does not want this host, or it the collector.
func tokenStates() []state {
	return []state{
		{"no token", `
			put() { install -o seawall -g seawall -m "$1" /dev/stdin /var/lib/seawall-uplink/token; }
			echo rubbish | put 600
			says seawall-uplink 'token not usable: /var/lib/seawall-uplink/token: token: it does not begin with "seawall1_"'
			shows seawall-uplink "token not usable since"
			echo rubbish | put 644
			says seawall-uplink "token is open to others"
			logged seawall-uplink "chmod 600"
			rm /var/lib/seawall-uplink/token`},
		{"another collector's token", `
			systemctl start seawall-collector
			token >/root/foreign
			systemctl stop seawall-collector-ingest.socket seawall-collector-dashboard.socket seawall-collector 2>/dev/null
			rm -rf /var/lib/seawall-collector
			systemctl start seawall-collector
			if seawall-uplink enroll --wait 2s --token-file - </root/foreign 2>/dev/null; then exit 1; fi
			says seawall-uplink "is not the pinned one: the token is another collector"
			shows seawall-uplink "or somebody stands in between: make a new one"
			logged seawall-uplink "authority is not the pinned one"`},
		{"a used token", `
			token >/root/used; chmod 600 /root/used; cp -p /root/used /root/other
			seawall-uplink enroll --state-dir /root/elsewhere --collector 127.0.0.1:9443 --token-file /root/other 2>/dev/null
			if seawall-uplink enroll --wait 20s --token-file - </root/used 2>/root/log; then exit 1; fi
			grep -q "not enrolled, refused: token used up: make a new one" /root/log || { cat /root/log; exit 1; }
			says seawall-uplink "refused: token used up: make a new one"
			shows seawall-uplink "token used up: make a new one"
			logged seawall-uplink "token used up"
			if journalctl --no-pager | grep -qF "$(cat /root/used)"; then exit 1; fi`},
	}
}

// networkStates are those in which the collector is not reached. The token is there meanwhile.
func networkStates() []state {
	return []state{
		{"a collector that is away", `
			token >/root/good
			systemctl stop seawall-collector-ingest.socket seawall-collector-dashboard.socket seawall-collector 2>/dev/null
			if seawall-uplink enroll --wait 2s --token-file - </root/good 2>/dev/null; then exit 1; fi
			says seawall-uplink "127.0.0.1:9443: connection refused: does the collector run there"
			systemctl start seawall-collector
			says seawall-uplink "connected to 127.0.0.1:9443"
			shows seawall-uplink "enrolled since"
			test ! -e /var/lib/seawall-uplink/token`},
		{"no network at first boot", `
			systemctl stop seawall-uplink
			rm -rf /var/lib/seawall-uplink/*
			uplink collector.test:9443
			token | install -o seawall -g seawall -m 600 /dev/stdin /var/lib/seawall-uplink/token
			systemctl start seawall-uplink
			says seawall-uplink "collector.test: no resolver answers: is this host's network up, and /etc/resolv.conf right?"
			logged seawall-uplink "no resolver answers"
			test "$(journalctl --no-pager -o cat -u seawall-uplink | grep -c 'no resolver answers')" -le 2
			# The files of name resolution come as such files do: another takes the place of the one there was.
			{ cat /etc/hosts; echo "127.0.0.1 collector.test"; } >/etc/hosts.new
			mv /etc/hosts.new /etc/hosts
			says seawall-uplink "connected to collector.test:9443"
			shows seawall-uplink "0 waiting"`},
		{"a collector that goes", `
			systemctl stop seawall-collector-ingest.socket seawall-collector-dashboard.socket seawall-collector 2>/dev/null
			says seawall-uplink "not connected: collector.test:9443: connection refused"
			shows seawall-uplink "connection   down since"
			systemctl start seawall-collector
			says seawall-uplink "connected to collector.test:9443"`},
	}
}

// backupStates are the collector's nightly backup, in its sandbox, beside the collector.
func backupStates() []state {
	return []state{
		{"a backup", `
			kept=/var/lib/seawall-collector-backups
			systemctl is-enabled -q seawall-collector-backup.timer && exit 1
			systemctl enable --now seawall-collector-backup.timer 2>/dev/null
			systemctl list-timers --no-pager | grep -F seawall-collector-backup.timer
			systemctl start seawall-collector-backup.service
			logged seawall-collector-backup "were copied, read back, and are the same"
			test "$(stat -c '%U %a' $kept $kept/*Z | sort -u)" = "seawall-collector 700"
			mkdir /root/restored
			seawall-collector --state-dir /root/restored restore $kept/*Z >/root/log 2>&1 || { cat /root/log; exit 1; }
			test -s /root/restored/ca/state.json
			works seawall-collector`},
		{"a backup that is the last", `
			kept=/var/lib/seawall-collector-backups
			first=$(ls $kept)
			until_ "test $kept/$first != $kept/\$(date -u +%Y-%m-%dT%H%M%SZ)"
			mkdir -p /run/systemd/system/seawall-collector-backup.service.d
			printf '[Service]\nEnvironment=BACKUPS=1\n' >/run/systemd/system/seawall-collector-backup.service.d/fewer.conf
			systemctl daemon-reload
			systemctl start seawall-collector-backup.service
			test "$(ls -A $kept | wc -l)" = 1 -a ! -e "$kept/$first"
			logged seawall-collector-backup "Removed: $first."`},
		{"a backup that cannot be", `
			kept=/var/lib/seawall-collector-backups
			first=$(ls $kept)
			mv /var/lib/seawall-collector/ca /var/lib/seawall-collector/away
			systemctl start seawall-collector-backup.service 2>/dev/null && exit 1
			mv /var/lib/seawall-collector/away /var/lib/seawall-collector/ca
			logged seawall-collector-backup "copy the authority's keys"
			test "$(ls -A $kept)" = "$first"
			systemctl is-failed -q seawall-collector-backup.service
			systemctl start seawall-collector-backup.service
			rm -r /run/systemd/system/seawall-collector-backup.service.d; systemctl daemon-reload`},
	}
}
