package fault

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/scripts/stage"
)

func wrongConfig(t *testing.T) string {
	cases := map[string]string{
		"unknown key": "log_levle: info\n",
		"wrong type":  "log_level: [1, 2]\n",
		"noise":       "\x00\xff{{{:\n",
		"a list":      "- one\n- two\n",
		"not closed":  "log_level: \"info\n",
	}
	programs := map[string][]string{
		"seawall":           {"check-config", "--config"},
		"seawall-uplink":    {"check-config", "--config"},
		"seawall-collector": {"check-config", "--config"},
	}
	n := 0
	for name, args := range programs {
		for what, text := range cases {
			file := filepath.Join(folder(t), "wrong.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, code := run(t, append(append([]string{stage.Built(t, name)}, args...), file)...)
			if code != 2 || !strings.Contains(out, "wrong.yaml") || strings.Contains(out, "goroutine ") {
				t.Errorf("%s, %s: exit status %d: %s", name, what, code, out)
			}
			n++
		}
	}
	// The daemon says the same at its start, and an empty file is no fault.
	place := folder(t)
	file := filepath.Join(place, "sensor.yaml")
	if err := os.WriteFile(file, []byte("spool_dri: /tmp\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := sensor(t, place, filepath.Join(place, "spool"))
	p.Argv = append(p.Argv, "--config", file)
	stage.Launch(t, p)
	if code := p.Exit(t, 20*time.Second); code != 2 || !p.Says("sensor.yaml") {
		t.Errorf("sensor: exit status %d: %s", code, p.Said())
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Start(t)
	stage.Await(t, "the sensor with an empty file", 60*time.Second, func() bool { return p.Says("sensor started") })
	p.End(t)
	return fmt.Sprintf("%d of %d refused with 2 and the file's name; the daemon, too; an empty file is taken", n, n)
}

func readOnlyVar(t *testing.T) string {
	place := folder(t)
	disk := small(t, place, "var", "size=4m,ro")
	p := sensor(t, place, filepath.Join(disk, "spool"))
	stage.Launch(t, p)
	if code := p.Exit(t, 20*time.Second); code != 2 || !p.Says("read-only file system") {
		t.Errorf("exit status %d: %s", code, p.Said())
	}
	said := strings.TrimSpace(string(p.Said()))
	must(t, "mount", "-o", "remount,rw", disk)
	p.Start(t)
	stage.Await(t, "the sensor on a good disk", 60*time.Second, func() bool { return p.Says("sensor started") })
	p.End(t)
	return fmt.Sprintf("exit status 2, %q; then it starts", said)
}

func noDescriptors(t *testing.T) string {
	place := folder(t)
	p := sensor(t, place, filepath.Join(place, "spool"), "prlimit", "--nofile=16")
	stage.Launch(t, p)
	stage.Await(t, "a sensor with 16 descriptors", 60*time.Second, func() bool { return p.Ended() || p.Says("sensor started") })
	how := "lives"
	if p.Ended() {
		how = fmt.Sprintf("ended with %d", p.Exit(t, time.Second))
	}
	if p.Says("goroutine ") {
		t.Errorf("it crashed: %s", p.Said())
	}
	p.Kill()
	out, code := run(t, "prlimit", "--nofile=8", stage.Built(t, "seawall-uplink"), "--state-dir", filepath.Join(place, "uplink"),
		"--spool", filepath.Join(place, "spool"), "--collector", "127.0.0.1:1")
	if code == 0 || strings.Contains(out, "goroutine ") {
		t.Errorf("an uplink without an identity and with 8 descriptors ended with %d: %s", code, out)
	}
	left := code
	threads, code := run(t, "prlimit", "--nofile=12", stage.Built(t, "seawall"), "check", "ssh")
	if code > 2 || strings.Contains(threads, "goroutine ") {
		t.Errorf("a look with 12 descriptors ended with %d: %s", code, threads)
	}
	return fmt.Sprintf("sensor %s, uplink ended with %d, a look with 12 descriptors with %d; no panic", how, left, code)
}

// logStorm changes a watched file again and again on a full disk. The canary stands
// in the file and may not stand in the log.
func logStorm(t *testing.T) string {
	const canary, changes = "canary-5f1d", 300
	place := folder(t)
	disk := small(t, place, "disk", "size=2m")
	ssh := filepath.Join(place, "ssh")
	must(t, "cp", "-a", "/etc/ssh", ssh)
	p := sensor(t, place, filepath.Join(disk, "spool"), bound(ssh, "/etc/ssh")...)
	stage.Launch(t, p)
	stage.Await(t, "the sensor", 60*time.Second, func() bool { return p.Says("sensor started") })
	fill(t, disk, 0)
	text, err := os.ReadFile(filepath.Join(ssh, "sshd_config"))
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := range changes {
		<-tick.C
		value := []string{"yes", "no"}[n%2]
		config := fmt.Sprintf("# %s\nPasswordAuthentication %s\nPermitRootLogin %s\nBanner /%s\n%s", canary, value, value, canary, text)
		if err := os.WriteFile(filepath.Join(ssh, "sshd_config"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.Alive(t)
	said := p.Said()
	if lines := bytes.Count(said, []byte("\n")); lines > 60 {
		t.Errorf("%d changes made %d lines", changes, lines)
	}
	if bytes.Contains(said, []byte(canary)) {
		t.Errorf("the log holds what stands in a file: %s", said)
	}
	p.Kill()
	return fmt.Sprintf("%d changes, %d lines, no content", changes, bytes.Count(said, []byte("\n")))
}
