package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/scripts/stage"
)

// Where the actor logs in from and to: addresses of a network namespace.
const (
	remote = "203.0.113.7"
	server = "203.0.113.8"
)

const granted = "/etc/sudoers.d/90-e2e-grant"

// TestDetections is a host without auditd.
func TestDetections(t *testing.T) {
	stage.TakeAudit(t)
	followDetections(t, "unicast")
}

// TestDetectionsBesideAuditd is a host whose auditd goes on undisturbed.
func TestDetectionsBesideAuditd(t *testing.T) {
	stage.TakeAudit(t)
	stage.StartAuditd(t)
	followDetections(t, "multicast")
}

// followDetections has a person log in by the real sshd from another address and do, by
// the real sudo, what the detections are about; and follows each to the collector.
func followDetections(t *testing.T, mode string) {
	t.Helper()
	s := launch(t, "--audit-profile", "detect", "--redact-words", "zzpin")
	b := open(t, s.connection.Dashboard, s.password)
	host := settled(t, s, b, mode)
	ssh := login(t, s.dir)
	t.Cleanup(func() { os.Remove(granted) })

	began := time.Now()
	ssh("sudo -n sh -c 'echo \"games ALL=(ALL) ALL\" > " + granted + " # --zzpin=hunter2'")
	d := detected(t, b, "Sudo rule", func(d *finding.Detection) bool { return targets(d, granted) })
	t.Logf("%q in the store %v after the login began", d.Detection.Title, d.Received.Sub(began).Round(time.Millisecond))
	x := sampleOf(&d.Detection, granted)
	if d.Host != host || d.Detection.Count == 0 || len(d.Detection.Techniques) == 0 || d.Detection.Severity < finding.SeverityMedium {
		t.Errorf("%+v", d)
	}
	if want := actorName + " from " + remote + " through sudo as root"; x.Actor.Text != want || x.Actor.AUID != actorUID || x.Actor.From != remote || x.Actor.User != "root" {
		t.Errorf("actor %+v, want %s", x.Actor, want)
	}
	if !strings.Contains(x.Command, "games ALL=(ALL) ALL") || !strings.Contains(x.Command, "--zzpin=***") || strings.Contains(fmt.Sprint(d), "hunter2") {
		t.Errorf("command %q, or a secret in %+v", x.Command, d)
	}
	if len(x.Ancestry) < 3 || x.Serial == 0 || x.Claimed || len(x.Records) == 0 {
		t.Errorf("%+v", x)
	}

	// A shell for whoever listens at the other end. The client that asks for it has the
	// same words in its command line, and root runs it: that is a detection of its own.
	ssh("bash -c 'bash -i >& /dev/tcp/127.0.0.1/22 0>&1' || true")
	d = detected(t, b, "Shell over the network", func(d *finding.Detection) bool {
		return d.Severity >= finding.SeverityHigh && strings.Contains(fmt.Sprint(d.Samples), "/dev/tcp/127.0.0.1/") &&
			d.Samples[0].Actor.Text == actorName+" from "+remote
	})

	// What is shown to people.
	page := evaluate[string](t, b, `fetch("/detections").then(r => r.text())`)
	if !strings.Contains(page, d.Detection.Title) || !strings.Contains(page, remote) {
		t.Errorf("the page lacks %q", d.Detection.Title)
	}
	watched, err := exec.Command("timeout", "3", stage.Built(t, "seawall"), "watch", "--detections", "--all", "--spool", s.spool).Output()
	if !strings.Contains(string(watched), "by "+actorName+" from "+remote+" through sudo as root") {
		t.Errorf("watch: %v: %s", err, watched)
	}

	// A rule of the host's own, and a fault beside it, while all runs.
	own := filepath.Join("/etc/seawall/detections.d", "mine.yaml")
	rule := "title: Own rule\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: linux, category: process_creation}\n" +
		"detection: {s: {Image|endswith: /true}, condition: s}\nlevel: low\n---\ntitle: broken\n"
	if err := os.MkdirAll(filepath.Dir(own), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, []byte(rule), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(own) })
	stage.Await(t, "the faulty rule as a finding", arrivesIn, func() bool {
		var detail fleet.HostDetail
		b.get(t, "/api/v1/hosts/"+string(host), &detail)
		for _, s := range detail.States {
			if s.Result.Check == "detection-rules" && s.Result.Status == finding.StatusFail {
				return len(s.Result.Evidence) == 1 && s.Result.Evidence[0].File == own
			}
		}
		return false
	})
	ssh("/bin/true; /usr/bin/true")
	detected(t, b, "Own rule", func(d *finding.Detection) bool { return d.Title == "Own rule" })
}

// detected waits until a detection that fits is in the collector's store.
func detected(t *testing.T, b *browser, what string, fits func(*finding.Detection) bool) (found fleet.Detection) {
	t.Helper()
	stage.Await(t, "the detection "+what, arrivesIn, func() bool {
		var answer struct{ Detections []fleet.Detection }
		b.get(t, "/api/v1/detections?limit=100", &answer)
		for _, d := range answer.Detections {
			if fits(&d.Detection) {
				found = d
				return true
			}
		}
		return false
	})
	return found
}

func targets(d *finding.Detection, name string) bool { return sampleOf(d, name) != nil }

func sampleOf(d *finding.Detection, target string) *finding.Sample {
	for i := range d.Samples {
		if d.Samples[i].Target == target {
			return &d.Samples[i]
		}
	}
	return nil
}

// login starts sshd in a network namespace of its own and returns how the actor runs a
// command through it, from the remote address.
func login(t *testing.T, dir string) func(command string) {
	t.Helper()
	key, config := filepath.Join(dir, "key"), filepath.Join(dir, "sshd_config")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	text := "ListenAddress " + server + ":22\nListenAddress 127.0.0.1:22\nHostKey " + key + "\nAuthorizedKeysFile " + key + ".pub\nStrictModes no\nUsePAM yes\nPidFile none\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key+".pub", 0o644); err != nil {
		t.Fatal(err)
	}
	script := "ip link set lo up && ip address add " + remote + "/32 dev lo && ip address add " + server + "/32 dev lo && mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f " + config
	p := stage.Launch(t, &stage.Program{Argv: []string{"/usr/bin/unshare", "--net", "/bin/sh", "-c", script}, Log: filepath.Join(dir, "sshd.log")})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sshd: %s", p.Said())
		}
		p.Kill()
	})
	stage.Await(t, "sshd", 20*time.Second, func() bool { return p.Says("Server listening") })
	return func(command string) {
		t.Helper()
		out, err := exec.Command("/usr/bin/nsenter", "--net", "--target", fmt.Sprint(p.PID()), "ssh", "-F", "none", "-i", key, "-b", remote,
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", actorName+"@"+server, command).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh: %v: %s\n%s", err, out, p.Said())
		}
	}
}
