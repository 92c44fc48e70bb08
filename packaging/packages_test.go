package packaging

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	sensorUsers    = []string{"seawall", "seawall-sensor", "seawall-spool"}
	collectorUsers = []string{"seawall-collector", "seawall-notify"}
)

// TestPackages makes two versions of both packages and takes each through its life with the real
// package managers.
func TestPackages(t *testing.T) {
	dir := build(t)
	t.Run("units", func(t *testing.T) { shippedUnits(t, dir) })
	t.Run("deb", func(t *testing.T) { t.Parallel(); debLife(t, newRoot(t, dir), "") })
	// What a Debian without systemd, or with a very old one, has.
	t.Run("deb without systemd", func(t *testing.T) {
		t.Parallel()
		debLife(t, newRoot(t, dir), "rm -f /usr/bin/systemd-sysusers /bin/systemd-sysusers /usr/bin/systemd-tmpfiles /bin/systemd-tmpfiles /usr/bin/deb-systemd-* /usr/bin/systemctl /bin/systemctl")
	})
	t.Run("deb collector", func(t *testing.T) { t.Parallel(); debCollector(t, newRoot(t, dir)) })
	t.Run("rpm", func(t *testing.T) { t.Parallel(); rpmLife(t, newRoot(t, dir)) })
	t.Run("dnf", func(t *testing.T) { t.Parallel(); dnfLife(t, newRoot(t, dir)) })
	t.Run("lintian", func(t *testing.T) {
		t.Parallel()
		quiet(t, dir, "*_1.0.0-1_*.deb", "lintian", "--allow-root", "--fail-on", "error,warning")
	})
	t.Run("rpmlint", func(t *testing.T) {
		t.Parallel()
		quiet(t, dir, "*-1.0.0-1.*.rpm", "rpmlint", "-c", "rpmlint.toml", "-r", "rpmlint.rc")
	})
	t.Run("scripts", func(t *testing.T) { scripts(t, dir) })
}

// TestConffiles holds the files that dpkg watches over as they are: of one that a newer package changes,
// and the machine's owner too, dpkg asks, and where there is nobody to ask the upgrade fails.
func TestConffiles(t *testing.T) {
	for name, want := range map[string]string{
		"sensor.yaml":    "9b14b975338f52e256c199ded798d16ec84349583e5cb9c6e664124ccb788ded",
		"collector.yaml": "68c8c41a2ce09df9cb8af8d1e67692abdda2ae90e4f7aa1d5f6ff543db0382c4",
	} {
		text, err := os.ReadFile("config/etc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != want {
			t.Errorf("config/etc/%s has the sum %s: it never changes", name, got)
		}
	}
}

// shippedUnits holds units, presets and what maintainer scripts know of units against each other: a
// unit that no package brings, nobody enables or nobody stops shows up here.
func shippedUnits(t *testing.T, dir string) {
	var shipped []string
	for _, name := range []string{"seawall", "seawall-collector"} {
		out, err := exec.Command("sh", "-c", `dpkg-deb --fsys-tarfile "$0"/`+name+`_1.0.0-1_*.deb | tar -t ./usr/lib/systemd/system`, dir).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		library, err := os.ReadFile("scripts/lib/" + name + ".sh")
		if err != nil {
			t.Fatal(err)
		}
		preset, err := os.ReadFile("preset/90-" + name + ".preset")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range strings.Fields(string(out)) {
			if strings.HasSuffix(path, "/") {
				continue
			}
			unit := filepath.Base(path)
			shipped = append(shipped, "systemd/"+unit)
			text, err := os.ReadFile("systemd/" + unit)
			if err != nil {
				t.Errorf("%s brings %s: %v", name, unit, err)
			}
			installable := strings.Contains(string(text), "\n[Install]\n")
			word := regexp.MustCompile(`[ ="]` + regexp.QuoteMeta(unit) + `[ "]`)
			if word.Match(library) != installable {
				t.Errorf("scripts/lib/%s.sh and %s do not agree on whether it can be enabled", name, unit)
			}
			if regexp.MustCompile(`(?m)^(enable|disable) `+regexp.QuoteMeta(unit)+`$`).Match(preset) != installable {
				t.Errorf("preset/90-%s.preset and %s do not agree on whether it can be enabled", name, unit)
			}
		}
	}
	slices.Sort(shipped)
	equal(t, "units in packages", shipped, units(t, "*"))
}

// debLife installs, upgrades, downgrades, installs again, removes and purges package seawall.
func debLife(t *testing.T, r root, before string) {
	install := func(version string) string {
		return r.run(t, "dpkg --force-downgrade --force-unsafe-io -i /packages/seawall_"+version+"-1_*.deb </dev/null 2>&1")
	}
	r.run(t, "true\n"+before)
	clean := r.changes(t)
	accounts := r.accounts(t)
	if len(accounts) > 0 {
		t.Fatalf("this machine has users of ours already: %q", accounts)
	}

	install("1.0.0")
	files := r.changes(t)
	has(t, files, "/usr/bin/seawall", "/usr/bin/seawall-uplink", "/etc/seawall/sensor.yaml", "/etc/seawall/audit.d", "/etc/seawall/detections.d",
		"/usr/share/seawall/life.tsv", "/usr/lib/systemd/system/seawall-sensor.service", "/usr/share/man/man5/seawall-checks.5.gz",
		"/usr/share/doc/seawall/copyright", "/usr/share/doc/seawall/THIRD-PARTY.gz", "/usr/share/doc/seawall/examples/sensor.yaml", "/usr/share/doc/seawall/changelog.Debian.gz", "/usr/share/doc/seawall/seawall.spdx.json")
	equal(t, "users", r.accounts(t), sensorUsers)
	if got := r.run(t, "id -Gn seawall; getent passwd seawall-sensor | cut -d: -f6,7"); got != "seawall seawall-spool\n/var/lib/seawall:/usr/sbin/nologin\n" {
		t.Errorf("the users are %q", got)
	}
	r.run(t, "seawall check-config >/dev/null; seawall version | grep 1.0.0; seawall-uplink version | grep 1.0.0; man -l /usr/share/man/man8/seawall-uplink.8.gz >/dev/null")

	r.run(t, `echo "log_level: warn" >>/etc/seawall/sensor.yaml
		echo "collector: c.example.net:9443" >/etc/seawall/uplink.yaml
		install -d -o seawall-sensor -g seawall-spool -m 750 /var/lib/seawall/spool
		install -d -o seawall -g seawall -m 700 /var/lib/seawall-uplink
		echo data >/var/lib/seawall/spool/segment; echo key >/var/lib/seawall-uplink/key`)
	kept := func(when string) {
		t.Helper()
		r.run(t, `tail -1 /etc/seawall/sensor.yaml | grep -qx "log_level: warn"; grep -q c.example.net /etc/seawall/uplink.yaml
			grep -qx data /var/lib/seawall/spool/segment; grep -qx key /var/lib/seawall-uplink/key`)
		equal(t, "users after "+when, r.accounts(t), sensorUsers)
	}
	for _, version := range []string{"2.0.0", "1.0.0", "1.0.0", "2.0.0"} {
		install(version)
		kept("installing " + version)
		r.run(t, `test "$(dpkg-query -W -f '${db:Status-Status} ${Version}' seawall)" = "installed `+version+`-1"`)
	}

	r.run(t, "dpkg -r seawall 2>&1; test ! -e /usr/bin/seawall; test ! -e /usr/share/seawall/life.tsv; test ! -e /usr/lib/systemd/system/seawall-sensor.service")
	kept("a removal")
	install("2.0.0")
	kept("installing again")
	r.run(t, "dpkg -P seawall 2>&1")
	equal(t, "left after a purge", r.changes(t), clean)
	equal(t, "users after a purge", r.accounts(t), nil)

	// A purge of what never ran, and again.
	install("1.0.0")
	r.run(t, "dpkg -r seawall 2>&1; dpkg -P seawall 2>&1; dpkg -P seawall 2>&1")
	equal(t, "left after a second purge", r.changes(t), clean)
}

// debCollector has both packages beside each other: a purge of one leaves the other's users alone.
func debCollector(t *testing.T, r root) {
	clean := r.changes(t)
	r.run(t, "dpkg --force-unsafe-io -i /packages/seawall_1.0.0-1_*.deb /packages/seawall-collector_1.0.0-1_*.deb 2>&1")
	r.run(t, `test "$(stat -c '%U:%G %a' /etc/seawall-collector)" = "root:seawall-collector 750"
		# Nobody has said where it listens: nothing of it is enabled.
		if find /etc/systemd/system -name 'seawall-collector*' | grep .; then exit 1; fi
		find /etc/systemd/system -name seawall-sensor.service | grep -q wants
		seawall-collector check-config >/dev/null`)
	r.run(t, "dpkg -P seawall 2>&1")
	equal(t, "users beside", r.accounts(t), collectorUsers)
	// What it is set up with is the administrator's while it is installed, and goes with a purge.
	r.run(t, `install -d /var/lib/seawall-collector; echo db >/var/lib/seawall-collector/collector.db
		install -d /var/lib/seawall-collector-backups/2026-11-23T023000Z
		systemctl enable seawall-collector.service seawall-collector-backup.timer
		for socket in ingest dashboard; do
			install -d /etc/systemd/system/seawall-collector-$socket.socket.d
			echo "[Socket]" >/etc/systemd/system/seawall-collector-$socket.socket.d/setup.conf
		done
		dpkg -r seawall-collector 2>&1
		test -e /etc/systemd/system/seawall-collector-ingest.socket.d/setup.conf
		dpkg -P seawall-collector 2>&1`)
	equal(t, "left after a purge", r.changes(t), clean)
	equal(t, "users after a purge", r.accounts(t), nil)
}

// rpmLife does the same with rpm, which knows no purge: data, users and changed settings stay.
func rpmLife(t *testing.T, r root) {
	install := func(how, version string) {
		r.run(t, "rpm --nodeps "+how+" /packages/seawall-"+version+"-1.*.rpm /packages/seawall-collector-"+version+"-1.*.rpm 2>&1")
	}
	r.run(t, "mkdir -p /usr/share/licenses") // which a Red Hat has
	clean := r.changes(t)
	install("-i", "1.0.0")
	has(t, r.changes(t), "/usr/bin/seawall", "/usr/bin/seawall-collector", "/etc/seawall/sensor.yaml", "/etc/seawall/waivers.d", "/usr/share/licenses/seawall/THIRD-PARTY", "/usr/share/man/man8/seawall-collector.8.gz")
	users := append(collectorUsers, sensorUsers...)
	r.run(t, `rpm -V --nodeps seawall seawall-collector || rpm -V --nodeps seawall seawall-collector | grep -Ev '/etc/seawall-(collector|notify)$' | (! grep .)
		echo "log_level: warn" >>/etc/seawall/sensor.yaml; install -d /var/lib/seawall/spool; echo data >/var/lib/seawall/spool/segment`)
	for _, step := range [][2]string{{"-U", "2.0.0"}, {"-U --oldpackage", "1.0.0"}, {"-U --replacepkgs", "1.0.0"}, {"-U", "2.0.0"}} {
		install(step[0], step[1])
		r.run(t, `tail -1 /etc/seawall/sensor.yaml | grep -qx "log_level: warn"; grep -qx data /var/lib/seawall/spool/segment
			test "$(rpm -q --qf '%{VERSION}' seawall)" = `+step[1])
		if got := r.accounts(t); len(got) != len(users) {
			t.Errorf("users after %v: %q", step, got)
		}
	}
	r.run(t, "rpm -e --nodeps seawall seawall-collector 2>&1; test ! -e /usr/bin/seawall; grep -qx data /var/lib/seawall/spool/segment")
	left := append(clean, "/etc/seawall", "/etc/seawall/sensor.yaml.rpmsave", "/var/lib/seawall", "/var/lib/seawall/spool", "/var/lib/seawall/spool/segment")
	equal(t, "left after a removal", slices.Sorted(slices.Values(r.changes(t))), slices.Sorted(slices.Values(left)))
}

// dnfLife does it with dnf, from a repository, in a root whose packages are none but one that stands
// for what a Red Hat has and this Debian has otherwise.
func dnfLife(t *testing.T, r root) {
	const repository = `mkdir -p /tmp/rpm/repo /usr/share/licenses; cd /tmp/rpm
		printf '%s\n' 'Name: shadow-utils' 'Version: 4' 'Release: 1' 'Summary: what is here' 'License: none' 'BuildArch: noarch' \
			'Provides: /bin/sh systemd' '%description' 'None.' '%files' >base.spec
		rpmbuild --quiet -bb --define '_topdir /tmp/rpm' --define '_rpmdir /tmp/rpm/repo' base.spec 2>&1
		cp /packages/seawall*.rpm repo/; createrepo_c --quiet repo 2>&1`
	if out := r.run(t, repository); out != "" {
		t.Errorf("the repository: %s", out)
	}
	dnf := func(what string) {
		t.Helper()
		r.run(t, `dnf -q -y --installroot=/ --releasever=9 --repofrompath=s,file:///tmp/rpm/repo --repo=s --setopt=s.gpgcheck=0 \
			--setopt=cachedir=/var/cache/dnf --setopt=reposdir=/nonexistent `+what+" 2>&1")
	}
	clean := r.changes(t)
	dnf("install seawall-1.0.0 seawall-collector-1.0.0")
	// Nobody but root: the sensor and the uplink read what they are, and answer.
	r.run(t, `seawall version; seawall-uplink version; seawall-collector version; seawall check-config; seawall-collector check-config
		rpm -V seawall; cd /tmp; rpm2cpio /packages/seawall-1.0.0-1.*.rpm | cpio --quiet -id; cmp usr/bin/seawall /usr/bin/seawall
		if rpm -qa --provides --requires 2>&1 | grep -i error; then exit 1; fi`)
	r.run(t, `echo "log_level: warn" >>/etc/seawall/sensor.yaml; install -d /var/lib/seawall/spool; echo data >/var/lib/seawall/spool/segment`)
	for _, step := range [][2]string{{"upgrade", "2.0.0"}, {"downgrade", "1.0.0"}, {"reinstall", "1.0.0"}, {"upgrade", "2.0.0"}} {
		dnf(step[0] + " seawall seawall-collector")
		r.run(t, `test "$(rpm -q --qf '%{VERSION} ' seawall seawall-collector)" = "`+step[1]+" "+step[1]+` "
			tail -1 /etc/seawall/sensor.yaml | grep -qx "log_level: warn"; test ! -e /etc/seawall/sensor.yaml.rpmnew; grep -qx data /var/lib/seawall/spool/segment`)
	}
	dnf("remove seawall seawall-collector")
	left := append(clean, "/etc/seawall", "/etc/seawall/sensor.yaml.rpmsave", "/var/lib/seawall", "/var/lib/seawall/spool", "/var/lib/seawall/spool/segment")
	equal(t, "left after a removal", slices.Sorted(slices.Values(r.changes(t))), slices.Sorted(slices.Values(left)))
}

// quiet runs a tool over packages; any word of it is a failure.
func quiet(t *testing.T, dir, pattern string, tool ...string) {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	out, err := exec.Command(tool[0], append(tool[1:], files...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", tool[0], err, out)
	}
	spoken(t, tool[0], string(out))
}

// spoken fails for each warning and error. That a filter was not needed is none.
func spoken(t *testing.T, tool, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if (strings.Contains(line, "W: ") || strings.Contains(line, "E: ")) && !strings.Contains(line, "unused-rpmlintrc-filter") {
			t.Errorf("%s: %s", tool, line)
		}
	}
}

// scripts reads every maintainer script as it ships, as POSIX sh.
func scripts(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*_1.0.0-1_*.deb"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d packages: %v", len(files), err)
	}
	for _, file := range files {
		control := t.TempDir()
		if out, err := exec.Command("dpkg-deb", "-e", file, control).CombinedOutput(); err != nil {
			t.Fatalf("dpkg-deb: %v\n%s", err, out)
		}
		for _, name := range []string{"postinst", "prerm", "postrm"} {
			if out, err := exec.Command("shellcheck", "-s", "sh", "-e", "SC2034", filepath.Join(control, name)).CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", filepath.Base(file), name, err, out)
			}
		}
	}
}
