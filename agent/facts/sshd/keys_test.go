package sshd

import (
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"seawall/pkg/hostfs"
	hosts "seawall/pkg/hostfs/image"
)

// keygen makes a real key and returns its directory as a root.
func keygen(t *testing.T, args ...string) (hostfs.Root, string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	out, err := exec.Command("ssh-keygen", append([]string{"-q", "-N", "", "-f", path}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root, path
}

// The kind and length are those that ssh-keygen -l prints, from the private file
// alone, from the public file alone, and from the old PEM format.
func TestHostKeyStrength(t *testing.T) {
	for _, args := range []string{
		"-t rsa -b 2048", "-t rsa -b 3072", "-t rsa -b 1024", "-t ecdsa -b 256", "-t ecdsa -b 521", "-t ed25519",
		"-t rsa -b 2048 -m PEM", "-t dsa",
	} {
		t.Run(args, func(t *testing.T) {
			root, path := keygen(t, strings.Fields(args)...)
			out, err := exec.Command("ssh-keygen", "-l", "-f", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(string(out))
			kind := strings.ToLower(strings.Trim(words[len(words)-1], "()"))
			check := func(what string, private bool) {
				k := readHostKey(root, "/key")
				if k.Type != kind || strconv.Itoa(k.Bits) != words[0] || k.Error != "" || k.PublicOnly == private {
					t.Errorf("%s: %+v, ssh-keygen says %s %s", what, k, kind, words[0])
				}
				if private && k.Mode != 0o600 {
					t.Errorf("%s: mode %o", what, k.Mode)
				}
			}
			check("both files", true)
			if !strings.Contains(args, "PEM") {
				rename(t, path+".pub", path+".away")
				check("private file", true)
				rename(t, path+".away", path+".pub")
			}
			rename(t, path, path+".away")
			check("public file", false)
		})
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A stale public file says nothing of the key that is used.
func TestPrivateFileCounts(t *testing.T) {
	root, path := keygen(t, "-t", "rsa", "-b", "1024")
	_, other := keygen(t, "-t", "ed25519")
	rename(t, other+".pub", path+".pub")
	if k := readHostKey(root, "/key"); k.Type != "rsa" || k.Bits != 1024 {
		t.Errorf("%+v", k)
	}
}

// counter says how much was read of a private key.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestLittleIsReadOfAPrivateKey(t *testing.T) {
	_, path := keygen(t, "-t", "rsa", "-b", "4096")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{r: strings.NewReader(string(data))}
	if _, err := privateHeader(c); err != nil {
		t.Fatal(err)
	}
	if c.n > len(data)/2 {
		t.Errorf("read %d of %d bytes", c.n, len(data))
	}
}

func TestMissingKeys(t *testing.T) {
	files := map[string]string{"usr/sbin/sshd": "", "etc/ssh/sshd_config": "HostKey /etc/ssh/gone\nHostKey /etc/ssh/odd\n", "etc/ssh/odd": "not a key\n"}
	f := Read(t.Context(), image(t, files))
	if len(f.HostKeys) != 2 || f.HostKeys[0].Error == "" || f.HostKeys[1].Error == "" || f.HostKeys[1].Mode != 0o600 {
		t.Errorf("%+v", f.HostKeys)
	}
	files["etc/ssh/sshd_config"] = ""
	if f := Read(t.Context(), image(t, files)); len(f.HostKeys) != 0 {
		t.Errorf("default keys that are not there: %+v", f.HostKeys)
	}
}

func FuzzStrength(f *testing.F) {
	for _, pub := range []string{
		"AAAAC3NzaC1lZDI1NTE5AAAAIGk1GwqFoIKT1BBjwyz5VHbGFgzJyAEmB0W2ZOVqRNRU",
		"AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7", "AAAAB3NzaC1kc3M=", "", "/////w==",
	} {
		blob, err := base64.StdEncoding.DecodeString(pub)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(blob)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		_, bits, err := strength(blob)
		if err == nil && (bits < 0 || bits > 8*len(blob) && bits > 521) {
			t.Errorf("%d bits out of %d bytes", bits, len(blob))
		}
		_, _ = privateHeader(strings.NewReader(pemBegin + "\n" + base64.StdEncoding.EncodeToString(blob)))
	})
}

// TestKeysGroup: the group that may read keys goes by its name.
func TestKeysGroup(t *testing.T) {
	root := hosts.Of(t, map[string]string{"etc/group": "root:x:0:\nssh_keys:x:101:\nbob:x:1000:\n#ssh_keys:x:1000:\n"})
	for id, want := range map[string]bool{"101": true, "1000": false, "0": false, "": false} {
		if got := keysGroup(root, id); got != want {
			t.Errorf("group %q: %v", id, got)
		}
	}
}
