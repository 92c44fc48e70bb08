package hostile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// manyUsers is how many of them can log in, each with a home, a key and rules.
const manyUsers = 10_000

// manyRSS bounds the memory, in KiB, of a look at a host of that many and more: below
// what the sensor's unit may have.
const manyRSS = 160 << 10

// populate makes a host of many users out of the one that is wrong wherever it can be.
// The last user alone has what bad says: whoever stops looking before finds nothing.
func populate(t *testing.T, root string) {
	t.Helper()
	homes := filepath.Join(root, "home")
	if err := unix.Mount("tmpfs", homes, "tmpfs", 0, ""); err != nil { // made and gone in no time
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(homes, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	put(t, filepath.Join(homes, ".skel/key"), []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f a@x\n"))
	put(t, filepath.Join(homes, ".skel/.profile"), []byte("umask 022\n"))
	var users, shadow, groups, sudoers, members strings.Builder
	for i := range manyUsers {
		name := fmt.Sprintf("u%d", i)
		fmt.Fprintf(&users, "%s:x:%d:%d:User %d,,,:/home/%[1]s:/bin/bash\n", name, 2000+i, 2000+i, i)
		fmt.Fprintf(&shadow, "%s:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:20000:1:90:14:30::\n", name)
		fmt.Fprintf(&groups, "%s:x:%d:\n", name, 2000+i)
		fmt.Fprintf(&sudoers, "%s ALL = (root) NOPASSWD: /usr/bin/less /var/log/%[1]s\n", name)
		fmt.Fprintf(&members, ",%s", name)
		home(t, homes, name, 2000+i)
	}
	fmt.Fprintf(&groups, "sudo:x:27:root%s\n", members.String())
	bad := filepath.Join(root, "home", fmt.Sprintf("u%d", manyUsers-1))
	for name, text := range map[string]string{
		".rhosts": "+ +\n", ".profile": "umask 0\n",
		".ssh/authorized_keys": "ssh-dss AAAAB3NzaC1kc3MAAAAFAPgABBUAAAAFAOAAAAEAAAAFAOAAAAIAAAAFAOAAAAM= old\nbroken key\n",
	} {
		replace(t, filepath.Join(bad, name), func(p string) error {
			return errors.Join(os.WriteFile(p, []byte(text), 0o600), os.Chmod(p, 0o666))
		})
	}
	for name, more := range map[string]string{"passwd": users.String(), "shadow": shadow.String(), "group": groups.String(), "sudoers": sudoers.String()} {
		old, err := os.ReadFile(filepath.Join(root, "etc", name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(root, "etc", name), append(append(old, '\n'), more...))
	}
}

// home makes one user's. Its files are root's, the same for everybody, which sshd and
// the shells take: that spares the test tens of thousands of files.
func home(t *testing.T, homes, name string, uid int) {
	t.Helper()
	dir := filepath.Join(homes, name)
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, ".ssh"), 0o700), os.Lchown(dir, uid, uid), os.Lchown(filepath.Join(dir, ".ssh"), uid, uid),
		os.Link(filepath.Join(homes, ".skel/key"), filepath.Join(dir, ".ssh/authorized_keys")),
		os.Link(filepath.Join(homes, ".skel/.profile"), filepath.Join(dir, ".profile"))); err != nil {
		t.Fatal(err)
	}
}

// TestManyUsers: a host of ten thousand users is judged, not given up: no check is an
// error for their number, what the last of them has wrong is found, and what was not
// looked at for all of them does not pass.
func TestManyUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("only root can give homes away")
	}
	root := wrong(t)
	before := map[string]string{}
	for _, one := range check(t, "few users", root).Results {
		before[one.Check] = one.Status
	}
	populate(t, root)
	seawall := exec.Command(filepath.Join(programs, "seawall"), "check", "--profile", "all", "--format", "json", "--root", root)
	for what, cmd := range map[string]*exec.Cmd{
		"users": seawall, "users, live": liveCommand(t, root, "check", "--profile", "all", "--format", "json"),
	} {
		// All that can be is wrong with each of them: thousands of results.
		_, r := within(t, what, 2*maxCPU, manyRSS, cmd)
		last := fmt.Sprintf("u%d", manyUsers-1)
		found := map[string]bool{}
		for _, one := range r.Results {
			if one.Status == "error" && before[one.Check] != "error" {
				t.Errorf("%s: %s: %s", what, one.Check, one.Actual)
			}
			if one.Status == "fail" && strings.Contains(one.Resource+one.Actual, last) {
				found[one.Check] = true
			}
			if one.Status == "unknown" && strings.Contains(one.Actual, " more than ") {
				t.Logf("%s: %s: %s", what, one.Check, one.Actual)
			}
		}
		for _, name := range []string{"accounts-rhosts", "accounts-dot-files", "ssh-keys-strength"} {
			if !found[name] {
				t.Errorf("%s: %s does not find what is wrong with %s", what, name, last)
			}
		}
		if passed := r.passed(); passed["secrets-history"] || passed["sudo-nopasswd"] || passed["ssh-keys-readable"] {
			t.Errorf("%s: passes", what)
		}
	}
}

// TestMoreUsers: beyond what is looked at nothing passes.
func TestMoreUsers(t *testing.T) {
	root := wrong(t)
	var users strings.Builder
	users.WriteString("root:x:0:0:root:/root:/bin/bash\n")
	for i := range 4 * manyUsers {
		fmt.Fprintf(&users, "u%d:x:%d:100::/home/u%[1]d:/bin/bash\n", i, 2000+i)
	}
	put(t, filepath.Join(root, "etc/passwd"), []byte(users.String()))
	_, r := within(t, "too many users", maxCPU, manyRSS,
		exec.Command(filepath.Join(programs, "seawall"), "check", "--profile", "all", "--format", "json", "--root", root))
	for name, ok := range r.passed() {
		for _, of := range []string{"accounts-home-", "accounts-dot-", "accounts-netrc", "accounts-rhosts", "accounts-forward", "accounts-empty-password",
			"accounts-uid-zero", "accounts-group-exists", "accounts-system-shell", "accounts-password-in-", "ssh-keys-strength", "ssh-keys-permissions"} {
			if ok && strings.HasPrefix(name, of) && name != "accounts-home-mode-default" {
				t.Errorf("%s: passes", name)
			}
		}
	}
}
