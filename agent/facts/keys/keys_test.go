package keys

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// The public halves of keys that were thrown away, and their fingerprints by ssh-keygen.
const (
	annKey   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0b2Ynd7tXnXJvXlKDuZGzsdXKnqMBa6gG0KDIkvgQn"
	otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func image(t testing.TB, files map[string]string) (fact.Env, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(text), 0o600),
			os.Chtimes(full, now.AddDate(0, 0, -30), now.AddDate(0, 0, -30))); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: func() time.Time { return now }}, dir
}

func host(more map[string]string) map[string]string {
	uid := os.Getuid()
	files := map[string]string{
		"/etc/passwd": fmt.Sprintf("root:x:0:0::/root:/bin/sh\nann:x:%d:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\ncid:x:1002:1002::/home/cid:/bin/sh\n"+
			"www-data:x:33:33::/var/www:/usr/sbin/nologin\n", max(uid, 1000)),
		"/etc/group":           "ann:x:1000:\nsftp:x:1005:bob\nwww-data:x:33:\n",
		"/etc/shadow":          "root:*:1::::::\nann:$y$a$b:1::::::\nbob:!$y$a$b:1::::::\ncid:*:1:::::100:\n",
		"/etc/ssh/sshd_config": "PasswordAuthentication no\n",
		"/home/ann/.ssh/authorized_keys": "# keys\n" + annKey + " ann@laptop\n" +
			`from="10.0.0.0/8",command="backup --password secret",no-pty ` + otherKey + "\nssh-ed25519 AAAA broken\n",
		"/home/bob/.ssh/authorized_keys2":     annKey + " ann@laptop\n",
		"/home/cid/.ssh/authorized_keys":      "cert-authority,principals=\"cid\" " + otherKey + " ca\n",
		"/var/www/.ssh/authorized_keys":       otherKey + "\n",
		"/home/departed/.ssh/authorized_keys": annKey + "\n",
	}
	maps.Copy(files, more)
	return files
}

func read(t testing.TB, more map[string]string) Facts {
	t.Helper()
	env, _ := image(t, host(more))
	return Read(context.Background(), env)
}

func brief(f Facts) (out []string) {
	for _, k := range f.Keys {
		out = append(out, fmt.Sprintf("%s %s %d %.13s %q %v cmd=%v from=%s ca=%v,%v %dd %s shell=%v system=%v also %v %s:%d", k.User, k.Type, k.Bits, k.Fingerprint, k.Comment,
			k.Options, k.Command, k.From, k.Authority, k.Principals, k.AgeDays, k.Account, k.Shell, k.System, k.Others, strings.TrimPrefix(k.File, "/home/"), k.Line))
	}
	return out
}

func TestKeys(t *testing.T) {
	f := read(t, nil)
	if f.Meta.State != fact.StateKnown || f.Users != 5 || f.MoreUsers != 0 || f.Command.Set {
		t.Fatalf("%+v", f)
	}
	want := []string{
		`ann ed25519 256 SHA256:KMNMhW "ann@laptop" [] cmd=false from= ca=false,false 30d open shell=true system=false also [bob] ann/.ssh/authorized_keys:2`,
		`ann ed25519 256 SHA256:PaHfkE "" [from command no-pty] cmd=true from=10.0.0.0/8 ca=false,false 30d open shell=true system=false also [cid www-data] ann/.ssh/authorized_keys:3`,
		`bob ed25519 256 SHA256:KMNMhW "ann@laptop" [] cmd=false from= ca=false,false 30d locked shell=true system=false also [ann] bob/.ssh/authorized_keys2:1`,
		`cid ed25519 256 SHA256:PaHfkE "ca" [cert-authority principals] cmd=false from= ca=true,true 30d expired shell=true system=false also [ann www-data] cid/.ssh/authorized_keys:1`,
		`www-data ed25519 256 SHA256:PaHfkE "" [] cmd=false from= ca=false,false 30d unknown shell=false system=true also [ann cid] /var/www/.ssh/authorized_keys:1`,
	}
	got := brief(f)
	for i := range got { // the fingerprints are those of ssh-keygen -l; see package sshkey
		got[i] = strings.NewReplacer(f.Keys[0].Fingerprint[:13], "SHA256:KMNMhW", f.Keys[1].Fingerprint[:13], "SHA256:PaHfkE").Replace(got[i])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(f.Lines) != 1 || f.Lines[0].Line != 4 || f.Lines[0].User != "ann" {
		t.Errorf("%+v", f.Lines)
	}
	if len(f.Left) != 1 || f.Left[0].Path != "/home/departed/.ssh/authorized_keys" {
		t.Errorf("%+v", f.Left)
	}
	if len(f.Files) != 4 || f.Files[0].Keys != 2 || f.Files[0].Mode != 0o600 {
		t.Errorf("%+v", f.Files)
	}
	if s := fmt.Sprintf("%+v", f); strings.Contains(s, "secret") || strings.Contains(s, "AAAAC3Nz") {
		t.Error("an option's value or a key is kept")
	}
	for _, name := range []string{"/etc/ssh/sshd_config", "/etc/shadow", "/home/ann/.ssh/authorized_keys", "/root/.ssh/authorized_keys2", "/home"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
}

// TestAuthorizedKeysFile: the files are those that sshd looks into.
func TestAuthorizedKeysFile(t *testing.T) {
	keys := map[string]string{"/etc/ssh/keys/ann": annKey + "\n", "/etc/ssh/keys/1001%": annKey + "\n", "/etc/ssh/all": otherKey + "\n", "/home/bob/k": annKey + "\n"}
	for config, want := range map[string]string{
		"AuthorizedKeysFile /etc/ssh/keys/%u":                                                         "ann:/etc/ssh/keys/ann",
		"AuthorizedKeysFile /etc/ssh/keys/%U%% %h/k":                                                  "bob:/etc/ssh/keys/1001% bob:/home/bob/k",
		"AuthorizedKeysFile none":                                                                     "",
		"AuthorizedKeysFile none\nMatch User bob\nAuthorizedKeysFile k":                               "bob:/home/bob/k",
		"AuthorizedKeysFile none\nMatch Group sftp\nAuthorizedKeysFile k":                             "bob:/home/bob/k",
		"AuthorizedKeysFile none\nMatch Address 10.0.0.0/8\nAuthorizedKeysFile k":                     "bob:/home/bob/k",
		"AuthorizedKeysFile /etc/ssh/keys/%u\nMatch User bob\nAuthorizedKeysFile k":                   "ann:/etc/ssh/keys/ann bob:/home/bob/k",
		"Include /etc/ssh/x.d/*.conf\n":                                                               "bob:/home/bob/k",
		"PermitRootLogin perhaps\nAuthorizedKeysFile k":                                               "bob:/home/bob/k",
		"AuthorizedKeysFile /etc/ssh/all\nMatch User *,!ann,!bob,!root,!cid\nAuthorizedKeysFile none": "root:/etc/ssh/all ann:/etc/ssh/all! bob:/etc/ssh/all! cid:/etc/ssh/all!",
	} {
		more := maps.Clone(keys)
		more["/etc/ssh/sshd_config"], more["/etc/ssh/x.d/a.conf"] = config, "AuthorizedKeysFile k\n"
		f := read(t, more)
		var got []string
		for i, file := range f.Files {
			s := file.User + ":" + file.Path
			if file.Shared && i > 0 {
				s += "!"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s\ngot  %s (%+v)\nwant %s", config, s, f.Meta, want)
		}
	}
}

// TestConnections: where sshd_config tells apart more connections than are looked at, it
// is said.
func TestConnections(t *testing.T) {
	for _, n := range []int{8, 5 * maxConnections} {
		var config strings.Builder
		for i := range n {
			fmt.Fprintf(&config, "Match Address 10.0.%d.0/24\nAuthorizedKeysFile k%d\n", i, i)
		}
		f := read(t, map[string]string{"/etc/ssh/sshd_config": config.String()})
		if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); (got == "files keys lines") != (n > maxConnections) || n <= maxConnections && got != "" {
			t.Errorf("%d: %q", n, f.Meta.Partial)
		}
	}
}

func TestCommand(t *testing.T) {
	f := read(t, map[string]string{"/etc/ssh/sshd_config": "AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys %u\nAuthorizedKeysCommandUser nobody\n"})
	if f.Command.Value != "/usr/bin/sss_ssh_authorizedkeys %u" || f.Command.Line != 1 || f.CommandUser != "nobody" || len(f.Keys) == 0 {
		t.Errorf("%+v %s", f.Command, f.CommandUser)
	}
}

func TestPermissions(t *testing.T) {
	env, dir := image(t, host(nil))
	if err := errors.Join(os.Chmod(dir+"/home/bob/.ssh", 0o777), os.Chmod(dir+"/home/cid/.ssh/authorized_keys", 0o620)); err != nil {
		t.Fatal(err)
	}
	for _, f := range Read(context.Background(), env).Files {
		switch {
		case f.User == "bob" && (f.Open != "/home/bob/.ssh" || f.OpenWhy == ""):
			t.Errorf("%+v", f)
		case f.User == "cid" && f.Mode != 0o620:
			t.Errorf("%+v", f)
		case f.User == "www-data" && os.Getuid() == 0 && f.Open != "":
			t.Errorf("root's file: %+v", f)
		}
	}
}

func TestUnread(t *testing.T) {
	env, _ := image(t, map[string]string{"/etc/passwd": "root:x:0:0::/root:/bin/sh\n"})
	if f := Read(context.Background(), env); f.Meta.State != fact.StateAbsent {
		t.Errorf("no server: %+v", f.Meta)
	}
	env, _ = image(t, map[string]string{"/etc/ssh/sshd_config": ""})
	if f := Read(context.Background(), env); f.Meta.State != fact.StateUnknown {
		t.Errorf("no passwd: %+v", f.Meta)
	}
	env, _ = image(t, map[string]string{"/etc/passwd": "ann:x:1000:1000::/home/ann:/bin/sh\n", "/usr/sbin/sshd": "", "/home/ann/.ssh/authorized_keys": annKey})
	if f := Read(context.Background(), env); f.Meta.State != fact.StateKnown || len(f.Keys) != 1 || f.Keys[0].Account != "unknown" {
		t.Errorf("no configuration: %+v", f)
	}
}

func TestHostile(t *testing.T) {
	var many strings.Builder
	for i := range maxUsers {
		fmt.Fprintf(&many, "u%d:x:%d:100::/home/ann:/usr/sbin/nologin\n", i, 2000+i)
	}
	more := map[string]string{"/etc/passwd": many.String() + "ann:x:1000:1000::/home/ann:/bin/sh\n"}
	more["/home/ann/.ssh/authorized_keys"] = strings.Repeat(annKey+"\n", 1500) + strings.Repeat("x\n", 500) + strings.Repeat("y", 100_000)
	f := read(t, more)
	if len(f.Keys) != maxKeys || f.MoreKeys == 0 || len(f.Lines) != maxLines || f.MoreUsers != 1 || f.Keys[0].User != "ann" || len(f.Files) > maxFiles {
		t.Errorf("%d keys, %d more, %d lines, %d users more, %d files", len(f.Keys), f.MoreKeys, len(f.Lines), f.MoreUsers, len(f.Files))
	}
	if p := f.Meta.Partial; p["keys"] == "" || p["files"] == "" || p["lines"] == "" || p["left"] != "" {
		t.Errorf("left out: %v", p)
	}
	for name, put := range map[string]func(string) error{
		"FIFO": func(n string) error { return unix.Mkfifo(n, 0o600) },
		"loop": func(n string) error { return os.Symlink("authorized_keys", n) },
		"big":  func(n string) error { return os.WriteFile(n, make([]byte, maxFile+1), 0o600) },
	} {
		env, dir := image(t, host(nil))
		file := dir + "/home/ann/.ssh/authorized_keys"
		if err := errors.Join(os.Remove(file), put(file)); err != nil {
			t.Fatal(err)
		}
		f := Read(context.Background(), env)
		if !slices.ContainsFunc(f.Files, func(f File) bool { return f.User == "ann" && f.Error != "" }) {
			t.Errorf("%s: %+v", name, f.Files)
		}
		if left := f.Meta.Partial["keys"] != ""; left != (name == "big") { // the others are no keys to sshd
			t.Errorf("%s: %v", name, f.Meta.Partial)
		}
	}
}

// FuzzFile: whatever a file of keys has in it, every line is a key, a bad line or none.
func FuzzFile(f *testing.F) {
	f.Add(annKey + " a\n" + otherKey)
	f.Add("command=\"x\" " + annKey + "\n#\n\n\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := read(t, map[string]string{"/home/ann/.ssh/authorized_keys": text})
		if len(got.Keys)+len(got.Lines)+got.MoreKeys > strings.Count(text, "\n")+20 {
			t.Errorf("%q: %+v", text, got)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	env, _ := image(b, host(nil))
	for b.Loop() {
		Read(context.Background(), env)
	}
}
