package boot

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/bootcfg"
	"seawall/pkg/hostfs/image"
)

func read(t *testing.T, files map[string]string) Facts {
	t.Helper()
	return Read(t.Context(), fact.Env{Root: image.Of(t, files), Now: time.Now})
}

func TestLive(t *testing.T) {
	f := Read(t.Context(), fact.Env{Now: time.Now})
	if f.Meta.State != fact.StateKnown || !f.EFI.Known || !slices.Contains(f.Meta.Depends, "/boot/grub/grub.cfg") {
		t.Errorf("%+v", f)
	}
	if f.RunningKnown && (len(f.Entries) == 0 || !f.Entries[0].Running || f.Entries[0].File != "/proc/cmdline") {
		t.Errorf("%+v", f.Entries)
	}
	t.Log(f.Meta.Took)
}

// TestEntry sorts the words of a command line by what they switch off.
func TestEntry(t *testing.T) {
	for line, want := range map[string]Entry{
		"ro quiet audit=1":                       {},
		"mitigations=off nopti spectre-v2=off":   {Mitigations: []string{"mitigations=off", "nopti", "spectre-v2=off"}},
		"mitigations=off mitigations=auto":       {},
		"mitigations=auto,nosmt mds=full kpti=0": {Mitigations: []string{"kpti=0"}},
		"nosmap rodata=off vsyscall=none iomem=relaxed clearcpuid=514,smep": {
			Protections: []string{"nosmap", "rodata=off", "iomem=relaxed", "clearcpuid=514,smep"}},
		"apparmor=0 selinux=1 enforcing=0 security=apparmor": {MAC: []string{"apparmor=0", "enforcing=0"}},
		"lsm=landlock,yama,bpf":                              {MAC: []string{"lsm=landlock,yama,bpf"}},
		"lsm=landlock,apparmor":                              {},
		"security=none":                                      {MAC: []string{"security=none"}},
		"init=/bin/bash rd.break systemd.debug-shell":        {Shell: []string{"init=/bin/bash", "rd.break", "systemd.debug-shell"}},
		"init=/sbin/init systemd.debug_shell=0 single":       {},
		"break=premount rdinit=/bin/sh":                      {Shell: []string{"break=premount", "rdinit=/bin/sh"}},
		"quiet -- nosmap":                                    {},
		`x="a nosmap b" "nokaslr"`:                           {Protections: []string{"nokaslr"}},
	} {
		e := entry(bootcfg.Line{Text: line, Title: "t"}, false, nil)
		got := [][]string{e.Mitigations, e.Protections, e.MAC, e.Shell}
		for i, w := range [][]string{want.Mitigations, want.Protections, want.MAC, want.Shell} {
			if !slices.Equal(got[i], w) {
				t.Errorf("%s: got %q, want %q", line, got[i], w)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	defaults := []string{"audit=1", "quiet"}
	for _, tt := range []struct {
		line     bootcfg.Line
		running  bool
		want     string
		wantName string
	}{
		{bootcfg.Line{Text: "ro quiet", Title: "Debian"}, false, "audit=1", "Debian"},
		{bootcfg.Line{Text: "ro audit=1 quiet", Title: "Debian"}, false, "", "Debian"},
		{bootcfg.Line{Text: "ro single", Title: "r", Recovery: true}, false, "", "r"},
		{bootcfg.Line{Text: "ro"}, true, "", "this boot"},
	} {
		if e := entry(tt.line, tt.running, defaults); strings.Join(e.Missing, " ") != tt.want || e.Title != tt.wantName {
			t.Errorf("%+v: %+v", tt.line, e)
		}
	}
}

func TestEntries(t *testing.T) {
	f := read(t, map[string]string{
		"boot/grub/grub.cfg": "menuentry 'One' {\n\tlinux /vmlinuz root=/dev/vda1 quiet\n}\nmenuentry 'Two (recovery mode)' {\n\tlinux /vmlinuz single nosmap\n}\n",
		"etc/default/grub":   "GRUB_CMDLINE_LINUX=\"audit=1\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n",
	})
	if len(f.Entries) != 2 || !f.NextKnown || f.RunningKnown || !slices.Equal(f.Entries[0].Missing, []string{"audit=1"}) || !f.Entries[1].Recovery {
		t.Errorf("%+v", f.Entries)
	}
	if !f.Defaults.Set || f.Defaults.Value != "audit=1 quiet" {
		t.Errorf("%+v", f.Defaults)
	}
	if f := read(t, nil); f.NextKnown || f.Reason == "" || f.Defaults.Set {
		t.Errorf("%+v", f)
	}
}

// debian is the part of a real grub.cfg that a password of /etc/grub.d/01 makes,
// and redhat that of grub2-mkconfig.
const (
	debian = "set superusers=\"root, ann\"\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.AA\npassword ann secret\n" +
		"menuentry 'Debian' --unrestricted --class debian $menuentry_id_option 'x' {\n}\nsubmenu 'More' {\n\tmenuentry 'Old' --class debian {\n\t}\n}\n"
	redhat = "if [ -f ${prefix}/user.cfg ]; then\n  source ${prefix}/user.cfg\n  if [ -n \"${GRUB2_PASSWORD}\" ]; then\n    set superusers=\"root\"\n" +
		"    export superusers\n    password_pbkdf2 root ${GRUB2_PASSWORD}\n  fi\nfi\n"
)

func TestGrub(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  Grub
	}{
		"none":  {nil, Grub{}},
		"plain": {map[string]string{"boot/grub/grub.cfg": "menuentry a {\n}\n"}, Grub{Installed: true, Known: true, Entries: 1}},
		"debian": {map[string]string{"boot/grub/grub.cfg": debian}, Grub{Installed: true, Known: true, Superusers: []string{"root", "ann"}, Password: true,
			Entries: 2, Locked: 1, File: "/boot/grub/grub.cfg", Line: 1, Raw: `set superusers="root, ann"`}},
		"one without": {map[string]string{"boot/grub/grub.cfg": strings.Replace(debian, "password ann", "# ann", 1)}, Grub{Installed: true, Known: true,
			Superusers: []string{"root", "ann"}, Entries: 2, Locked: 1, File: "/boot/grub/grub.cfg", Line: 1, Raw: `set superusers="root, ann"`}},
		"redhat": {map[string]string{"boot/grub2/grub.cfg": redhat, "boot/grub2/user.cfg": "GRUB2_PASSWORD=grub.pbkdf2.sha512.10000.AA\n"},
			Grub{Installed: true, Known: true, Superusers: []string{"root"}, Password: true, File: "/boot/grub2/grub.cfg", Line: 4, Raw: `set superusers="root"`}},
		"redhat, none set": {map[string]string{"boot/grub2/grub.cfg": redhat, "boot/grub2/user.cfg": "GRUB2_PASSWORD=\n"},
			Grub{Installed: true, Known: true, Superusers: []string{"root"}, File: "/boot/grub2/grub.cfg", Line: 4, Raw: `set superusers="root"`}},
		"a directory": {map[string]string{"boot/grub/grub.cfg/x": ""}, Grub{Installed: true, Reason: "open /boot/grub/grub.cfg: not a regular file but a directory"}},
	} {
		if tt.want.Superusers == nil {
			tt.want.Superusers = []string{}
		}
		got, more := readGrub(image.Of(t, tt.files))
		if diff := cmp.Diff(tt.want, got); diff != "" || more {
			t.Errorf("%s: more: %v, %s", name, more, diff)
		}
	}
}

func TestFiles(t *testing.T) {
	root := image.Of(t, map[string]string{"boot/vmlinuz-6.1": "", "boot/initrd.img-6.1": "", "boot/System.map-6.1": "", "boot/config-6.1": "", "boot/grub/grub.cfg": debian,
		"boot/grub/fonts/x": "", "boot/efi/EFI/debian/grub.cfg": "configfile x\n", "boot/efi/EFI/debian/shim.efi": "", "boot/loader/entries/a.conf": ""})
	if err := os.Chmod(root.Path("/boot/vmlinuz-6.1"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/none", root.Path("/boot/vmlinuz")); err != nil {
		t.Fatal(err)
	}
	files, more, err := readFiles(root)
	if err != nil || more {
		t.Fatal(err, more)
	}
	var got []string
	for _, f := range files {
		line := f.Kind + " " + f.Path
		if f.Secret {
			line += " secret"
		}
		if f.Path == "/boot/vmlinuz-6.1" && f.Mode != 0o666 || (f.Mode < 0) != (f.Error != "") || f.Mode >= 0 && f.UID != os.Getuid() {
			t.Errorf("%+v", f)
		}
		got = append(got, line)
	}
	want := []string{"directory /boot", "symbols /boot/System.map-6.1", "initrd /boot/initrd.img-6.1", "kernel /boot/vmlinuz", "kernel /boot/vmlinuz-6.1",
		"directory /boot/grub", "config /boot/grub/grub.cfg secret", "directory /boot/loader", "directory /boot/loader/entries", "config /boot/loader/entries/a.conf",
		"config /boot/efi/EFI/debian/grub.cfg"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, _, err := readFiles(image.Of(t, map[string]string{"boot": "a file"})); err == nil {
		t.Error("a file in place of /boot")
	}
}

func TestUnits(t *testing.T) {
	const system = "usr/lib/systemd/system/"
	files := map[string]string{
		system + "rescue.service":        "[Service]\nExecStart=-/lib/systemd/systemd-sulogin-shell rescue\n",
		system + "emergency.service":     "[Service]\nExecStart=-/bin/sh -c \"/usr/sbin/sulogin; /usr/bin/systemctl --fail --no-block default\"\n",
		system + "debug-shell.service":   "[Service]\nExecStart=/bin/bash\n[Install]\nWantedBy=sysinit.target\n",
		system + "ctrl-alt-del.target":   "[Unit]\n",
		"etc/systemd/system/x.wants/not": "",
	}
	f := read(t, files)
	if len(f.Rescue) != 2 || !f.Rescue[0].Asks.Yes || !f.Rescue[1].Asks.Yes || f.Rescue[0].Line != 2 || f.DebugShell.Yes || !f.DebugShell.Known || !f.CtrlAltDel.Yes {
		t.Errorf("%+v", f)
	}
	files["etc/systemd/system/rescue.service.d/o.conf"] = "[Service]\nExecStart=\nExecStart=-/bin/bash\n"
	files["etc/systemd/system/emergency.service.d/o.conf"] = "[Service]\nEnvironment=SYSTEMD_SULOGIN_FORCE=1\n"
	files["etc/systemd/system/sysinit.target.wants/debug-shell.service"] = ""
	files["etc/systemd/system/ctrl-alt-del.target"] = ""
	f = read(t, files)
	if f.Rescue[0].Asks.Yes || f.Rescue[0].File != "/etc/systemd/system/rescue.service.d/o.conf" || f.Rescue[0].Line != 3 {
		t.Errorf("%+v", f.Rescue[0])
	}
	if f.Rescue[1].Asks.Yes || !strings.Contains(f.Rescue[1].Raw, "FORCE=1") {
		t.Errorf("%+v", f.Rescue[1])
	}
	if f.CtrlAltDel.Yes || !f.CtrlAltDel.Known || f.CtrlAltDel.Reason != "/etc/systemd/system/ctrl-alt-del.target" {
		t.Errorf("%+v", f.CtrlAltDel)
	}
	if f := read(t, nil); len(f.Rescue) > 0 || f.CtrlAltDel.Known || f.DebugShell.Yes || !f.DebugShell.Known {
		t.Errorf("%+v", f)
	}
	files = map[string]string{system + "rescue.service": "[Service]\n", system + "emergency.service": "[Service]\nExecStart=/sbin/sulogin --force\n"}
	if f := read(t, files); f.Rescue[0].Asks.Known || f.Rescue[1].Asks.Yes {
		t.Errorf("%+v", f.Rescue)
	}
}

func TestFirmware(t *testing.T) {
	var f Facts
	readFirmware(&f, fact.Env{Root: image.Of(t, nil)})
	if f.EFI.Known || f.SecureBoot.Known || f.EFI.Reason == "" {
		t.Errorf("an image: %+v", f)
	}
	for content, want := range map[string]fact.Tri{
		"\x06\x00\x00\x00\x01": {Known: true, Yes: true, Reason: secureBoot}, "\x06\x00\x00\x00\x00": {Known: true, Reason: secureBoot},
		"\x06": {Reason: secureBoot + " is not what it should be"},
	} {
		if got := secure(image.Of(t, map[string]string{secureBoot: content})); got != want {
			t.Errorf("%q: %+v", content, got)
		}
	}
	if got := secure(image.Of(t, nil)); !got.Known || got.Yes {
		t.Errorf("%+v", got)
	}
	if got := secure(image.Of(t, map[string]string{secureBoot + "/x": ""})); got.Known || got.Reason == "" {
		t.Errorf("%+v", got)
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	for name, tt := range map[string]struct {
		most  int
		files func(n int) map[string]string
		want  string
	}{
		"files": {maxFiles, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n - 1 { // beside /boot
				files["boot/vmlinuz-"+strconv.Itoa(i)] = ""
			}
			return files
		}, "files"},
		"loaders": {maxFiles, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n - 1 {
				files["boot/efi/EFI/"+strconv.Itoa(i)+"/grub.cfg"] = ""
			}
			return files
		}, "files"},
		"superusers": {maxUsers, func(n int) map[string]string {
			return map[string]string{"boot/grub/grub.cfg": "set superusers=\"" + strings.Repeat("root ", n) + "\"\npassword root x\n"}
		}, "grub.password"},
	} {
		for more, want := range []string{"", tt.want} {
			f := read(t, tt.files(tt.most+more))
			if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); got != want || !f.FilesKnown {
				t.Errorf("%s, %d more: %q, want %q; %s", name, more, got, want, f.Reason)
			}
		}
	}
}

func TestSecret(t *testing.T) {
	for s, want := range map[string]bool{debian: true, redhat: false, "GRUB2_PASSWORD=x\n": true, "GRUB2_PASSWORD=\n": false, "password x": false, "": false} {
		if got := secret([]byte(s)); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func FuzzScript(f *testing.F) {
	f.Add(debian, "quiet mitigations=off \"x y\" -- z")
	f.Add(redhat, "\"\"\" = =\"")
	f.Fuzz(func(t *testing.T, script, line string) {
		g := Grub{}
		g.script("/grub.cfg", script, true)
		if g.Locked > g.Entries || len(g.Superusers) > maxUsers || g.Password && len(g.Superusers) == 0 {
			t.Errorf("%+v", g)
		}
		secret([]byte(script))
		userPassword([]byte(script))
		seen := map[string]bool{}
		for _, w := range words(line) {
			if seen[w.name] {
				t.Errorf("%q stands twice", w.name)
			}
			seen[w.name] = true
		}
		entry(bootcfg.Line{Text: line}, false, []string{"x"})
	})
}

// TestContainer: the command line of a container's kernel is not the host's to
// answer for.
func TestContainer(t *testing.T) {
	for _, name := range []string{"run/systemd/container", ".dockerenv", "run/.containerenv"} {
		if !shared(image.Of(t, map[string]string{name: ""})) {
			t.Errorf("%s", name)
		}
	}
	if shared(image.Of(t, nil)) {
		t.Error("no mark")
	}
}
