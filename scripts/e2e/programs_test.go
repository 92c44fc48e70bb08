package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"seawall/scripts/stage"
)

// connection is what the collector tells of itself in its state folder.
type connection struct {
	Pin       string `json:"pin"`
	Dashboard string `json:"dashboard"`
}

// system is a host and its collector.
type system struct {
	dir        string
	spool      string
	connection connection
	password   string

	sensor, uplink, collector *stage.Program
}

// all returns the programs in the order in which they stop.
func (s *system) all() []*stage.Program { return []*stage.Program{s.sensor, s.uplink, s.collector} }

// launch starts collector, uplink and sensor, which is given more arguments. When the test ends they are stopped
// in order, and each must end well.
func launch(t *testing.T, sensor ...string) *system {
	t.Helper()
	place := private(t)
	if err := os.WriteFile(dropIn, []byte("PasswordAuthentication no\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(place, "run-")
	if err != nil {
		t.Fatal(err)
	}
	folder := func(name string, mode os.FileMode, uid, gid int) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(path, mode), os.Chmod(path, mode), os.Chown(path, uid, gid)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &system{dir: dir, spool: folder("spool", 0o750, 0, stage.SpoolGroup)}
	state := folder("collector", 0o700, stage.CollectorUser, stage.CollectorUser)
	ingest, dashboard := stage.FreeAddress(t), stage.FreeAddress(t)
	passwordFile := filepath.Join(state, "password")
	s.collector = stage.Launch(t, &stage.Program{
		Argv: []string{stage.Built(t, "seawall-collector"), "--state-dir", state, "--ingest", ingest, "--dashboard", dashboard, "--password-file", passwordFile},
		Cred: &syscall.Credential{Uid: stage.CollectorUser, Gid: stage.CollectorUser},
		Log:  filepath.Join(dir, "collector.log"),
	})
	stage.Await(t, "the collector's connection file", 20*time.Second, func() bool {
		text, err := os.ReadFile(filepath.Join(state, "connection.json"))
		return err == nil && json.Unmarshal(text, &s.connection) == nil && s.connection.Pin != ""
	})
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		t.Fatal(err)
	}
	s.password = string(password)
	uplinkState := folder("uplink", 0o700, stage.UplinkUser, stage.UplinkUser)
	invite(t, s.collector.Argv[0], state, filepath.Join(uplinkState, "token"))
	s.uplink = stage.Launch(t, &stage.Program{
		Argv: []string{stage.Built(t, "seawall-uplink"), "--spool", s.spool, "--state-dir", uplinkState, "--collector", ingest},
		Cred: &syscall.Credential{Uid: stage.UplinkUser, Gid: stage.UplinkUser, Groups: []uint32{stage.SpoolGroup}},
		Log:  filepath.Join(dir, "uplink.log"),
	})
	s.sensor = stage.Launch(t, &stage.Program{
		Argv: append([]string{stage.Built(t, "seawall"), "sensor", "--spool", s.spool}, sensor...),
		Cred: &syscall.Credential{Uid: 0, Gid: stage.SpoolGroup},
		Log:  filepath.Join(dir, "sensor.log"),
	})
	t.Cleanup(func() { s.stop(t) })
	return s
}

// invite has the collector make a token, for the uplink alone to read.
func invite(t *testing.T, collector, state, file string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(collector, "token", "create", "--state-dir", state)
	cmd.Stderr = &stderr
	token, err := cmd.Output()
	if err != nil {
		t.Fatalf("token create: %v: %s", err, &stderr)
	}
	if err := errors.Join(os.WriteFile(file, token, 0o600), os.Chown(file, stage.UplinkUser, stage.UplinkUser)); err != nil {
		t.Fatal(err)
	}
}

// stop stops the programs in order; each must end well, and none by itself.
func (s *system) stop(t *testing.T) {
	for _, p := range s.all() {
		if !p.Ended() {
			p.End(t)
		} else if err := p.Wait(); err != nil {
			t.Errorf("%s ended before it was told to: %v", filepath.Base(p.Argv[0]), err)
		}
	}
}
