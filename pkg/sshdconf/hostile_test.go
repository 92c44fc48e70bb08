package sshdconf_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf"
)

// tree makes a root with files below /etc/ssh.
func tree(t testing.TB, files map[string]string) (hostfs.Root, string) {
	t.Helper()
	dir := t.TempDir()
	ssh := filepath.Join(dir, "etc", "ssh")
	if err := os.MkdirAll(ssh, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(ssh, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root, ssh
}

// quick fails a test that takes longer than any configuration may.
func quick(t *testing.T) {
	t.Helper()
	begin := time.Now()
	t.Cleanup(func() {
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestFIFOInPlaceOfAFile(t *testing.T) {
	quick(t)
	for _, name := range []string{"sshd_config", "sshd_config.d/10-x.conf"} {
		root, ssh := tree(t, map[string]string{"sshd_config": "Include sshd_config.d/*\n", "sshd_config.d/0": ""})
		path := filepath.Join(ssh, name)
		_ = os.Remove(path)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
		if !errors.Is(err, hostfs.ErrNotRegular) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSparseGigabyte(t *testing.T) {
	quick(t)
	root, ssh := tree(t, map[string]string{"sshd_config": ""})
	if err := os.Truncate(filepath.Join(ssh, "sshd_config"), 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{}); !errors.Is(err, sshdconf.ErrLimit) {
		t.Error(err)
	}
}

func TestMegabyteLine(t *testing.T) {
	quick(t)
	root, _ := tree(t, map[string]string{"sshd_config": "AcceptEnv " + strings.Repeat("a", 1<<20-100) + "\nPermitRootLogin no\n"})
	config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	values, err := config.Effective(sshdconf.Conn{})
	if err != nil || values["permitrootlogin"].Line != 2 {
		t.Errorf("%v, %v", values["permitrootlogin"], err)
	}
}

func TestSymlinkLoop(t *testing.T) {
	quick(t)
	root, ssh := tree(t, map[string]string{})
	if err := os.Symlink("sshd_config", filepath.Join(ssh, "sshd_config")); err != nil {
		t.Fatal(err)
	}
	_, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
	if err == nil || !strings.Contains(err.Error(), "symbolic links") {
		t.Error(err)
	}
}

func TestMissing(t *testing.T) {
	root, _ := tree(t, map[string]string{})
	_, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "/etc/ssh/sshd_config: No such file or directory" {
		t.Error(err)
	}
}

// Each file includes the next level twelve times: 12^16 readings for sshd.
func TestIncludeBomb(t *testing.T) {
	quick(t)
	files := map[string]string{"sshd_config": strings.Repeat("Include l0\n", 12)}
	for i := range 15 {
		files[fmt.Sprintf("l%d", i)] = strings.Repeat(fmt.Sprintf("Include l%d\n", i+1), 12)
	}
	files["l15"] = "PermitRootLogin no\n"
	root, _ := tree(t, files)
	if _, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{}); !errors.Is(err, sshdconf.ErrLimit) {
		t.Error(err)
	}
}

// Sixteen levels are allowed, seventeen are not.
func TestIncludeDepth(t *testing.T) {
	for depth, good := range map[int]bool{16: true, 17: false} {
		files := map[string]string{"sshd_config": "Include f1\n"}
		for i := 1; i < depth; i++ {
			files[fmt.Sprintf("f%d", i)] = fmt.Sprintf("Include f%d\n", i+1)
		}
		files[fmt.Sprintf("f%d", depth)] = "PermitRootLogin no\n"
		root, _ := tree(t, files)
		_, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
		if (err == nil) != good {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

// A configuration of nothing but Match blocks, each telling other connections
// apart, is searched in bounded time and keeps the most permissive.
func TestManyBlocks(t *testing.T) {
	quick(t)
	var b strings.Builder
	b.WriteString("PermitRootLogin no\nPasswordAuthentication no\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "Match User u%d Address 10.%d.%d.0/24\n", i%700, i/256, i%256)
	}
	b.WriteString("Match User zed Address 192.0.2.0/24\nPasswordAuthentication yes\nPermitEmptyPasswords yes\n")
	root, _ := tree(t, map[string]string{"sshd_config": b.String()})
	config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, more := config.Connections([]string{"alice"}); !more {
		t.Error("nothing was left out")
	}
}

func TestMostPermissiveIsKept(t *testing.T) {
	var b strings.Builder
	b.WriteString("PermitRootLogin no\nPasswordAuthentication no\n")
	for i := range 150 {
		fmt.Fprintf(&b, "Match User u%d\nX11Forwarding no\n", i)
	}
	b.WriteString("Match User zed\nPasswordAuthentication yes\n")
	root, _ := tree(t, map[string]string{"sshd_config": b.String()})
	config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	groups, more := config.Connections(nil)
	keys := map[string]bool{}
	found := false
	for _, g := range groups {
		keys[g.Key] = true
		found = found || g.Conn.User == "zed"
	}
	if !more || !found || len(keys) > sshdconf.MaxKeys {
		t.Errorf("more %v, the permissive one found %v, %d kinds", more, found, len(keys))
	}
}
