package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"seawall/scripts/stage"
)

// The user who changes things; known in the private /etc alone.
const (
	actorName = "seawall-e2e"
	actorUID  = 61234
)

func TestMain(m *testing.M) {
	if stage.Place() == "" {
		os.Exit(stage.Enter("e2e", prepare))
	}
	os.Exit(m.Run())
}

// prepare copies /etc and adds to the copy what the tests need. The child mounts
// it over /etc.
func prepare(place string) error {
	etc := filepath.Join(place, "etc")
	if out, err := exec.Command("cp", "-a", "--one-file-system", "/etc", etc).CombinedOutput(); err != nil {
		return fmt.Errorf("copy /etc: %w: %s", err, out)
	}
	if err := os.RemoveAll(filepath.Join(etc, "ssh/sshd_config.d")); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(etc, "ssh/sshd_config.d"), 0o755); err != nil {
		return err
	}
	files := []struct {
		name, text string
		flag       int
		mode       os.FileMode
	}{
		{"passwd", fmt.Sprintf("%s:x:%d:%d::/nonexistent:/bin/sh\n", actorName, actorUID, actorUID), os.O_APPEND, 0o644},
		{"shadow", actorName + ":*:19000:0:99999:7:::\n", os.O_APPEND, 0o640},
		{"sudoers.d/seawall-e2e", actorName + " ALL=(ALL:ALL) NOPASSWD: ALL\n", os.O_CREATE, 0o440},
		{"ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nKbdInteractiveAuthentication no\n", os.O_TRUNC, 0o644},
	}
	for _, file := range files {
		f, err := os.OpenFile(filepath.Join(etc, file.name), os.O_WRONLY|file.flag, file.mode)
		if err != nil {
			return err
		}
		if _, err := f.WriteString(file.text); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// private mounts the copy over /etc, once, and returns the folder to work in.
func private(t *testing.T) string {
	t.Helper()
	place := stage.Place()
	var here, copied syscall.Stat_t
	etc := filepath.Join(place, "etc")
	if err := errors.Join(syscall.Stat("/etc", &here), syscall.Stat(etc, &copied)); err != nil {
		t.Fatal(err)
	}
	if here.Ino != copied.Ino || here.Dev != copied.Dev {
		if err := syscall.Mount(etc, "/etc", "", syscall.MS_BIND, ""); err != nil {
			t.Fatalf("mount a private /etc: %v", err)
		}
	}
	return place
}
