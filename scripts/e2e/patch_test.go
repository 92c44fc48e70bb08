package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/fleet"
	"seawall/scripts/stage"
)

const (
	demo     = "seawall-demo:amd64"
	updates  = "patch-security-updates"
	aptLists = "/var/lib/apt/lists"
)

// TestRefresh publishes a security update in a signed archive. The person who
// refreshes the lists makes it a finding, the one who installs it ends that.
func TestRefresh(t *testing.T) {
	stage.TakeAudit(t)
	archive := packages(t)
	s := launch(t)
	b := open(t, s.connection.Dashboard, s.password)
	host := settled(t, s, b, "unicast")

	run(t, "../repository", archive, "1.0-2")
	asActor(t, "apt-get", "-qq", "update")
	refreshed := changed(t)
	e := told(t, b, host, false)
	r := e.Change.Result
	if r.Actual != "1.0-1" || r.Expected != "1.0-2" || r.Group != "seawall-demo" || r.Since.IsZero() {
		t.Errorf("pending: %+v", r)
	}
	if c := r.Cause; c == nil || c.AUID != actorUID || c.Exe != "/usr/bin/apt-get" || !strings.HasSuffix(c.Command, "apt-get -qq update") {
		t.Errorf("cause: %+v", c)
	}
	t.Logf("in the store %v after the refresh", e.Received.Sub(refreshed))

	asActor(t, "dpkg", "-i", filepath.Join(archive, "pool/seawall-demo_1.0-2_amd64.deb"))
	if c := told(t, b, host, true).Change.Result.Cause; c == nil || c.AUID != actorUID || c.Exe != "/usr/bin/dpkg" {
		t.Errorf("cause of the end: %+v", c)
	}
}

// packages gives the namespace a package database and lists of its own, with an
// archive as the only source and its package installed, and returns the archive.
func packages(t *testing.T) string {
	t.Helper()
	place := private(t)
	for _, dir := range []string{"/var/lib/dpkg", "/var/lib/apt", "/etc/apt"} {
		mine := filepath.Join(place, "packages", dir)
		run(t, "mkdir", "-p", filepath.Dir(mine))
		run(t, "cp", "-a", dir, mine)
		if err := unix.Mount(mine, dir, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
			if err := os.RemoveAll(mine); err != nil {
				t.Error(err)
			}
		})
	}
	archive := filepath.Join(place, "archive")
	run(t, "../repository", archive, "1.0-1")
	t.Cleanup(func() { os.RemoveAll(archive) })
	server := httptest.NewServer(http.FileServer(http.Dir(archive)))
	t.Cleanup(server.Close)
	run(t, "sh", "-c", "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/preferences.d/* /var/lib/apt/lists/*")
	source := fmt.Sprintf("deb [signed-by=%s/key.asc] %s bookworm-security main\n", archive, server.URL)
	if err := os.WriteFile("/etc/apt/sources.list.d/test.list", []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "chmod", "-R", "a+rX", place)
	run(t, "apt-get", "-qq", "update")
	t.Cleanup(func() { os.Remove("/usr/lib/seawall-demo.so") })
	run(t, "dpkg", "-i", filepath.Join(archive, "pool/seawall-demo_1.0-1_amd64.deb"))
	return archive
}

func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}

// asActor has root, who logged in as the actor, run a program.
func asActor(t *testing.T, argv ...string) {
	t.Helper()
	run(t, append([]string{"sh", "-c", fmt.Sprintf(`echo %d >/proc/self/loginuid && exec "$@"`, actorUID), "sh"}, argv...)...)
}

// changed returns when the newest list was put in its place.
func changed(t *testing.T) (newest time.Time) {
	t.Helper()
	names, err := filepath.Glob(aptLists + "/*_Packages*")
	if err != nil || len(names) == 0 {
		t.Fatalf("lists %v, %v", names, err)
	}
	for _, name := range names {
		fi, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		st := fi.Sys().(*syscall.Stat_t)
		if at := time.Unix(st.Ctim.Unix()); at.After(newest) {
			newest = at
		}
	}
	return newest
}

// told waits for the change of the package that removes it, or does not.
func told(t *testing.T, b *browser, host fleet.HostID, removed bool) (found fleet.Event) {
	t.Helper()
	stage.Await(t, fmt.Sprintf("the change of %s, removed: %v", demo, removed), arrivesIn, func() bool {
		var answer struct{ Events []fleet.Event }
		b.get(t, fmt.Sprintf("/api/v1/timeline?host=%s&check=%s&limit=50", host, updates), &answer)
		for _, e := range answer.Events {
			if e.Change.Result.Resource == demo && e.Change.Removed == removed {
				found = e
				return true
			}
		}
		return false
	})
	return found
}
