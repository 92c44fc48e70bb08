package sudo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
)

// debian is a host with sudo 1.9.13 as Debian 12 has it.
func debian(rules string) map[string]string {
	return map[string]string{
		"/usr/bin/sudo": "\x7fELF..\x001.9.13p3\x00..",
		"/etc/sudoers": "Defaults\tenv_reset\nDefaults\tmail_badpass\nDefaults\tsecure_path=\"/usr/sbin:/usr/bin\"\nDefaults\tuse_pty\n" +
			"root\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
		"/etc/sudoers.d/README": "# how to\n",
		"/etc/sudoers.d/site":   rules,
		"/etc/passwd":           "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:27::/home/bob:/bin/sh\n",
		"/etc/group":            "root:x:0:\nsudo:x:27:ann\nann:x:1000:\n",
		"/etc/shadow":           "root:*:1::::::\nann:$y$a$b:1::::::\nbob:!:1::::::\n",
	}
}

func host(t testing.TB, files map[string]string) (fact.Env, string) {
	t.Helper()
	root := image.Of(t, files)
	return fact.Env{Root: root, Now: time.Now}, root.Path("")
}

func read(t testing.TB, rules string) Facts {
	t.Helper()
	env, _ := host(t, debian(rules))
	return Read(context.Background(), env)
}

// brief is a grant in one line.
func brief(g Grant) string {
	var flags []string
	for name, on := range map[string]bool{"everybody": g.Everybody, "missing": g.Missing, "password": g.Password, "root": g.AsRoot, "all": g.All, "not": g.Negated,
		"free": g.NoPassword, "env": g.SetEnv, "noexec": g.NoExec, "escape": g.Escape, "wild": g.Wildcard} {
		if on {
			flags = append(flags, name)
		}
	}
	slices.Sort(flags)
	return fmt.Sprintf("%s %v (%s) %s: %s", g.Who, g.Users, g.RunAs, g.Command, strings.Join(flags, " "))
}

func TestGrants(t *testing.T) {
	f := read(t, `User_Alias OPS = ann, !carl, %sudo
Cmnd_Alias EDIT = /usr/bin/vim.basic, sudoedit /etc/hosts
OPS web = (www, #0) NOPASSWD: EDIT, PASSWD: NOEXEC: /usr/bin/less *
ALL ALL = () /usr/bin/id
carl ALL = (:adm) NOPASSWD: NOSETENV: ALL, !/bin/su
#1001 ALL = /usr/bin/systemctl restart x, /usr/bin/systemctl
%none,%#27,+net ALL = (ALL, !root) /bin/a
`)
	if f.Meta.State != fact.StateKnown || len(f.Errors) > 0 || f.MoreGrants != 0 {
		t.Fatalf("%+v, %+v", f.Meta, f.Errors)
	}
	var got []string
	for _, g := range f.Grants {
		got = append(got, brief(g))
	}
	want := []string{
		"ann [ann] (www, #0) /usr/bin/vim.basic: escape free password root", "ann [ann] (www, #0) sudoedit /etc/hosts: free password root",
		"%sudo [ann bob] (www, #0) /usr/bin/vim.basic: escape free password root", "%sudo [ann bob] (www, #0) sudoedit /etc/hosts: free password root",
		"ann [ann] (www, #0) /usr/bin/less *: escape noexec password root wild", "%sudo [ann bob] (www, #0) /usr/bin/less *: escape noexec password root wild",
		"ALL [] () /usr/bin/id: everybody",
		"carl [] (:adm) ALL: all free missing", "carl [] (:adm) !/bin/su: free missing not",
		"#1001 [bob] () /usr/bin/systemctl restart x: root", "#1001 [bob] () /usr/bin/systemctl: escape root",
		"%none [] (ALL, !root) /bin/a: missing", "%#27 [ann bob] (ALL, !root) /bin/a: password", "+net [] (ALL, !root) /bin/a: ",
	}
	if diff := cmp.Diff(want, got[2:]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"root [] (ALL:ALL) ALL: all env root", "%sudo [ann bob] (ALL:ALL) ALL: all env password root"}, got[:2]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if g := f.Grants[2]; g.File != "/etc/sudoers.d/site" || g.Line != 3 || !strings.HasPrefix(g.Raw, "OPS web") || g.Hosts != "web" {
		t.Errorf("%+v", g)
	}
}

// TestAuthenticate: the password can be taken away by settings as well.
func TestAuthenticate(t *testing.T) {
	const rules = "ann ALL=(ALL) /bin/a, PASSWD: /bin/b\nbob ALL=(ALL) /bin/a\n"
	for defaults, want := range map[string]string{
		"":                              "001",
		"Defaults !authenticate":        "free: 1, 3",
		"Defaults:ann !authenticate":    "free: 1",
		"Defaults!/bin/a !authenticate": "free: 1, 3",
		"Defaults:%sudo !authenticate":  "",
		"Defaults:ALL !authenticate":    "free: 1, 3",
		"Defaults !authenticate\nDefaults:bob authenticate": "free: 1",
	} {
		f := read(t, defaults+"\n"+rules)
		var free []string
		for i, g := range f.Grants[2:] {
			if g.NoPassword {
				free = append(free, fmt.Sprint(i+1))
			}
		}
		got := ""
		if len(free) > 0 {
			got = "free: " + strings.Join(free, ", ")
		}
		if want == "001" {
			want = ""
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", defaults, got, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	f := read(t, "Defaults timestamp_timeout=60, !use_pty\nDefaults secure_path += \"/opt/bin\"\nDefaults:ann,%x logfile=/x, !env_reset\nDefaults!/bin/a,LS noexec\nDefaults@web>root x\nDefaults>root insults\n")
	for name, want := range map[string]string{
		"timestamp_timeout": "60 true /etc/sudoers.d/site:1", "use_pty": " false /etc/sudoers.d/site:1", "env_reset": " true /etc/sudoers:1",
		"secure_path": "/usr/sbin:/usr/bin /opt/bin true /etc/sudoers.d/site:2", "authenticate": " true :0", "logfile": " false :0", "passwd_tries": "3 true :0",
	} {
		d := f.Defaults[name]
		if got := fmt.Sprintf("%s %v %s:%d", d.Value, d.On, d.File, d.Line); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	var scoped []string
	for _, d := range f.Scoped {
		scoped = append(scoped, fmt.Sprint(d.Scope, ": ", d.Name, " ", d.On))
	}
	if diff := cmp.Diff([]string{"user ann, %x: logfile true", "user ann, %x: env_reset false", "command /bin/a, LS: noexec true", "run as root: insults true"}, scoped); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for version, want := range map[string]bool{"\x001.9.13p3\x00": false, "\x001.9.14\x00": true, "\x001.9.16p2\x00": true, "\x001.10.0\x00": true, "\x001.8.32\x00": false, "none": false} {
		files := debian("")
		files["/usr/bin/sudo"], files["/etc/sudoers"] = version, "root ALL=(ALL) ALL\n"
		env, _ := host(t, files)
		if f := Read(context.Background(), env); f.Defaults["use_pty"].On != want {
			t.Errorf("%q: use_pty %v", version, f.Defaults["use_pty"])
		}
	}
}

func TestFiles(t *testing.T) {
	files := debian("bob ALL = NOPASSWD /bin/x\n")
	maps.Copy(files, map[string]string{"/etc/sudoers.d/a.conf": "ann ALL=ALL\n", "/etc/sudoers.d/.hidden": "# nothing\n", "/etc/sudoers.d/b~": "#include /x\n"})
	env, dir := host(t, files)
	if err := os.Chmod(dir+"/etc/sudoers.d", 0o777); err != nil {
		t.Fatal(err)
	}
	f := Read(context.Background(), env)
	var got []string
	for _, x := range f.Files {
		got = append(got, fmt.Sprintf("%s %v %o", x.Path, x.Dir, x.Mode))
	}
	want := []string{"/etc/sudoers false 644", "/etc/sudoers.d/README false 644", "/etc/sudoers.d/site false 644", "/etc/sudoers.d true 777"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/etc/sudoers.d/a.conf", "/etc/sudoers.d/b~"}, f.Ignored); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(f.Errors) != 1 || f.Errors[0].Line != 1 || f.Errors[0].File != "/etc/sudoers.d/site" {
		t.Errorf("%+v", f.Errors)
	}
	for _, name := range []string{"/etc/sudoers", "/etc/sudoers.d/", "/etc/sudoers.d/site", "/usr/bin/sudo"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
}

func TestWritable(t *testing.T) {
	files := debian("bob ALL=(root) /opt/tool/run, /opt/tool/safe, !/opt/tool/run, /opt/*/run, /none\nbob ALL=(ann) /opt/tool/run\n")
	files["/opt/tool/run"], files["/opt/tool/safe"] = "", ""
	env, dir := host(t, files)
	if err := os.Chmod(dir+"/opt/tool/run", 0o757); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range Read(context.Background(), env).Grants[2:] {
		if strings.HasPrefix(g.Writable, "/opt/tool/run ") {
			got = append(got, g.Command+" "+g.RunAs)
		}
		if g.Writable != "" && os.Getuid() == 0 && g.Program != "/opt/tool/run" {
			t.Errorf("%s: %s", g.Program, g.Writable)
		}
	}
	if os.Getuid() == 0 {
		if diff := cmp.Diff([]string{"/opt/tool/run root"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestUnread(t *testing.T) {
	files := debian("")
	delete(files, "/usr/bin/sudo")
	env, _ := host(t, files)
	if f := Read(context.Background(), env); f.Meta.State != fact.StateAbsent || f.Installed {
		t.Errorf("not installed: %+v", f.Meta)
	}
	files = debian("")
	delete(files, "/etc/sudoers")
	env, _ = host(t, files)
	if f := Read(context.Background(), env); f.Meta.State != fact.StateError {
		t.Errorf("no rules: %+v", f.Meta)
	}
	env, dir := host(t, debian(""))
	if err := errors.Join(os.Remove(dir+"/etc/sudoers"), unix.Mkfifo(dir+"/etc/sudoers", 0o600)); err != nil {
		t.Fatal(err)
	}
	if f := Read(context.Background(), env); f.Meta.State != fact.StateError || f.Meta.Reason == "" {
		t.Errorf("a FIFO: %+v", f.Meta)
	}
	files = debian("carl ALL=ALL\n")
	files["/etc/nsswitch.conf"] = "passwd: files sss\n"
	env, _ = host(t, files)
	if f := Read(context.Background(), env); f.Grants[2].Missing {
		t.Error("carl may be in the directory")
	}
	rs, dir := host(t, debian(""))
	if err := errors.Join(os.MkdirAll(dir+"/etc/alternatives", 0o755), os.Symlink("/usr/lib/cargo/bin/sudo", dir+"/etc/alternatives/sudo")); err != nil {
		t.Fatal(err)
	}
	if f := Read(context.Background(), rs); f.Program != "sudo-rs" {
		t.Errorf("%s", f.Program)
	}
}

// TestMany: many rules are all looked at, and too many are said to be; aliases that
// make millions of them cost no more.
func TestMany(t *testing.T) {
	f := read(t, strings.Repeat("ann ALL = /bin/a, /bin/b, /bin/c\n", 7000)+strings.Repeat("x\n", 900))
	if len(f.Grants) != maxGrants || f.MoreGrants != 9002 || len(f.Errors) != maxLines || f.Meta.Partial["grants"] == "" || f.Meta.Partial["errors"] == "" {
		t.Errorf("%d grants, %d more, %d errors, %v", len(f.Grants), f.MoreGrants, len(f.Errors), f.Meta.Partial)
	}
	var users, commands []string
	for i := range 2000 {
		users, commands = append(users, fmt.Sprintf("u%d", i)), append(commands, fmt.Sprintf("/bin/c%d", i))
	}
	aliases := "User_Alias U = " + strings.Join(users, ", ") + "\nCmnd_Alias C = " + strings.Join(commands, ", ") + "\n"
	begin := time.Now()
	f = read(t, aliases+strings.Repeat("Defaults:U !authenticate\n", 5000)+strings.Repeat("U ALL = C\n", 20_000))
	if took := time.Since(begin); took > 10*time.Second || len(f.Grants) != maxGrants || f.MoreGrants < 10_000 {
		t.Errorf("%v, %d grants, %d more", took, len(f.Grants), f.MoreGrants)
	}
	if last := f.Grants[maxGrants-1]; !last.NoPassword || f.Meta.Partial["grants"] == "" || len(f.Meta.Depends) > 2*maxDepends {
		t.Errorf("%v, depends on %d", last, len(f.Meta.Depends))
	}
}

func BenchmarkRead(b *testing.B) {
	env, _ := host(b, debian("ann ALL=(ALL) NOPASSWD: ALL\n"))
	for b.Loop() {
		Read(context.Background(), env)
	}
}
