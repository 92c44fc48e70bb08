package bootcfg

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// archive reads a captured tree, with pairs of text replaced.
func archive(t *testing.T, name string, replace ...string) map[string]string {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = strings.NewReplacer(replace...).Replace(string(f.Data))
	}
	return files
}

// TestAuditAtBoot has the situations that other tools get wrong.
func TestAuditAtBoot(t *testing.T) {
	type want struct {
		on      bool // in every entry that is not for recovery
		backlog int
		pending bool // /etc/default/grub asks for something else
	}
	const defaults = "GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"%\"\n"
	for _, tt := range []struct {
		name, defaults, made string
		want                 want
	}{
		{"stock", "", "", want{false, 0, false}},
		{"set and made", "audit=1 audit_backlog_limit=8192", "audit=1 audit_backlog_limit=8192", want{true, 8192, false}},
		{"edited, update-grub not run", "audit=1 audit_backlog_limit=8192", "", want{false, 0, true}},
		{"only in grub.cfg", "", "audit=1 audit_backlog_limit=8192", want{true, 8192, true}},
		{"audit=0", "audit=0", "audit=0", want{false, 0, false}},
		{"audit=off", "audit=off", "audit=off", want{false, 0, false}},
		{"audit=10 is on to the kernel", "audit=10", "audit=10", want{true, 0, false}},
		{"backlog 64", "audit=1 audit_backlog_limit=64", "audit=1 audit_backlog_limit=64", want{true, 64, false}},
		{"the last audit wins: off", "audit=1 audit=0", "audit=1 audit=0", want{false, 0, false}},
		{"the last audit wins: on", "audit=0 audit=1", "audit=0 audit=1", want{true, 0, false}},
		{"the last limit wins", "audit_backlog_limit=8192 audit_backlog_limit=64", "audit_backlog_limit=8192 audit_backlog_limit=64", want{false, 64, false}},
		{"the limit is no number", "audit_backlog_limit=8192 audit_backlog_limit=x", "audit_backlog_limit=8192 audit_backlog_limit=x", want{false, 8192, false}},
		{"a longer name", "xaudit=1 audit_x=1 audit", "xaudit=1 audit_x=1 audit", want{false, 0, false}},
		{"for init", "-- audit=1", "-- audit=1", want{false, 0, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := archive(t, "debian.txtar", "%NORMAL%", tt.made+" quiet", "%RECOVERY%", tt.made)
			files["etc/default/grub"] = strings.ReplaceAll(defaults, "%", tt.defaults)
			b := Read(image.Of(t, files))
			if !b.NextKnown || len(b.Next) != 3 || b.RunningKnown || !b.DefaultsKnown {
				t.Fatalf("%d entries, known %v: %s", len(b.Next), b.NextKnown, b.Reason)
			}
			for _, l := range b.Next {
				if l.AuditOn != tt.want.on || l.BacklogLimit != tt.want.backlog || l.File != "/boot/grub/grub.cfg" || l.Line == 0 {
					t.Errorf("%+v", l)
				}
			}
			d := b.Defaults
			if pending := d.AuditOn != tt.want.on || d.BacklogLimit != tt.want.backlog; pending != tt.want.pending {
				t.Errorf("defaults %+v", d)
			}
		})
	}
}

func TestCommentedDefault(t *testing.T) {
	files := archive(t, "debian.txtar", "%NORMAL%", "quiet", "%RECOVERY%", "")
	files["etc/default/grub"] = "#GRUB_CMDLINE_LINUX=\"audit=1\"\nGRUB_CMDLINE_LINUX=\"\" # audit=1\n"
	if b := Read(image.Of(t, files)); b.Defaults.AuditSet {
		t.Errorf("a comment counted: %+v", b.Defaults)
	}
}

func TestEntries(t *testing.T) {
	b := Read(image.Of(t, archive(t, "debian.txtar", "%NORMAL%", `audit=1 "x=a b"`, "%RECOVERY%", "")))
	b.Depends = nil
	const advanced = "Advanced options for Debian GNU/Linux > Debian GNU/Linux, with Linux 6.1.0-50-cloud-amd64"
	raw := "linux\t/boot/vmlinuz-6.1.0-50-cloud-amd64 root=PARTUUID=7f ro "
	want := Boot{NextKnown: true, Next: []Line{
		{
			Title: "Debian GNU/Linux", File: "/boot/grub/grub.cfg", Line: 55, Text: `root=PARTUUID=7f ro audit=1 "x=a b"`,
			Raw: raw + `audit=1 "x=a b"`, Audit: "1", AuditSet: true, AuditOn: true,
		},
		{
			Title: advanced, File: "/boot/grub/grub.cfg", Line: 62, Text: `root=PARTUUID=7f ro audit=1 "x=a b"`,
			Raw: raw + `audit=1 "x=a b"`, Audit: "1", AuditSet: true, AuditOn: true,
		},
		{
			Title: advanced + " (recovery mode)", File: "/boot/grub/grub.cfg", Line: 67, Recovery: true,
			Text: "root=PARTUUID=7f ro single", Raw: strings.TrimSpace(raw + "single"),
		},
	}}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
}

func TestBLS(t *testing.T) {
	files := archive(t, "fedora.txtar")
	b := Read(image.Of(t, files))
	if !b.NextKnown || len(b.Next) != 2 {
		t.Fatalf("%d entries: %s", len(b.Next), b.Reason)
	}
	rescue, normal := b.Next[0], b.Next[1]
	if normal.Audit != "1" || normal.BacklogLimit != 8192 || normal.Line != 5 || normal.Title != "Fedora Linux (6.5.6-300.fc39.x86_64) 39" {
		t.Errorf("%+v", normal)
	}
	if !rescue.Recovery || !rescue.AuditSet || rescue.AuditOn || rescue.Text != "root=UUID=8a ro audit=0" {
		t.Errorf("%+v", rescue)
	}

	delete(files, "boot/grub2/grubenv") // now the script's fallback counts
	if b := Read(image.Of(t, files)); len(b.Next) != 2 || b.Next[1].Audit != "0" {
		t.Errorf("%+v", b.Next)
	}
	files["boot/grub2/grub.cfg"] = "menuentry x {\nlinux /vmlinuz audit=1\n}\n"
	if b := Read(image.Of(t, files)); len(b.Next) != 1 || b.Next[0].Title != "x" {
		t.Errorf("entries that GRUB does not read: %+v", b.Next)
	}
}

func TestSystemdBoot(t *testing.T) {
	b := Read(image.Of(t, map[string]string{
		"efi/loader/entries/a.conf":     "title a\nlinux /a/linux\noptions root=/dev/vda audit=1\n",
		"efi/loader/entries/shell.conf": "title Shell\nefi /shell.efi\noptions audit=0\n",
	}))
	if !b.NextKnown || len(b.Next) != 1 || !b.Next[0].AuditOn || b.Next[0].Line != 3 {
		t.Errorf("%+v", b)
	}
}

func TestUnknownNextBoot(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"booted from outside": {nil, "booted from outside"},
		"no entries":          {map[string]string{"boot/grub/grub.cfg": "set timeout=5\n"}, "no boot entry in /boot/grub/grub.cfg"},
		"unified image":       {map[string]string{"boot/EFI/Linux/a.efi": "MZ"}, "unified kernel images"},
		"too large":           {map[string]string{"boot/grub/grub.cfg": strings.Repeat("#\n", 1<<20)}, "larger than the limit"},
		"too many":            {map[string]string{"boot/grub/grub.cfg": strings.Repeat("linux /vmlinuz a\n", 300)}, "more than 256"},
	} {
		t.Run(name, func(t *testing.T) {
			b := Read(image.Of(t, tt.files))
			if b.NextKnown || !strings.Contains(b.Reason, tt.want) {
				t.Errorf("known %v: %s", b.NextKnown, b.Reason)
			}
		})
	}
}

func TestDefaultsDropIns(t *testing.T) {
	b := Read(image.Of(t, map[string]string{
		"etc/default/grub":                     "GRUB_CMDLINE_LINUX_DEFAULT='quiet audit=0'\nGRUB_CMDLINE_LINUX=\"\"\n",
		"etc/default/grub.d/10-first.cfg":      "GRUB_CMDLINE_LINUX_DEFAULT=\"console=ttyS0 audit=1\"\n",
		"etc/default/grub.d/50-append.cfg":     "export GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT audit_backlog_limit=8192\"\n",
		"etc/default/grub.d/60-more.cfg":       "GRUB_CMDLINE_LINUX+=\" x=${GRUB_NOT_SET}y\"\n",
		"etc/default/grub.d/70-ignored.backup": "GRUB_CMDLINE_LINUX_DEFAULT=\"audit=0\"\n",
	}))
	want := Line{
		File: "/etc/default/grub.d/50-append.cfg", Line: 1, Text: "x=y console=ttyS0 audit=1 audit_backlog_limit=8192",
		Raw:   "export GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT audit_backlog_limit=8192\"",
		Audit: "1", AuditSet: true, AuditOn: true, BacklogLimit: 8192,
	}
	if diff := cmp.Diff(want, b.Defaults); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"/etc/default/grub", "/etc/default/grub.d/", "/boot/grub/grub.cfg", "/boot/loader/entries/"} {
		if !slices.Contains(b.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
}

// TestDoubling: variables that stand for one another without end cost little, and what
// is booted is not known then.
func TestDoubling(t *testing.T) {
	double := strings.Repeat("X=\"$X$X$X$X\"\n", 200)
	b := Read(image.Of(t, map[string]string{
		"etc/default/grub":           "X=audit=0aaaaaaaaa\n" + double + strings.Repeat("X+=$X\n", 1000) + "GRUB_CMDLINE_LINUX=\"audit=1 $X\"\n",
		"boot/grub/grub.cfg":         "set X=audit=0aaaaa\n" + strings.ReplaceAll(double, "X=", "set X=") + "menuentry x {\n linux /v audit=1 $X\n}\n",
		"boot/loader/entries/x.conf": "title x\nlinux /v\noptions audit=1 " + strings.Repeat("$X ", 10_000) + "\n",
	}))
	if b.DefaultsKnown || b.NextKnown || !strings.Contains(b.Reason, tooLong) {
		t.Errorf("defaults known: %v, next known: %v, %s", b.DefaultsKnown, b.NextKnown, b.Reason)
	}
	for _, l := range append(b.Next, b.Defaults) {
		if len(l.Text) > 2*maxSpent {
			t.Errorf("%d bytes", len(l.Text))
		}
	}
}

func TestRunning(t *testing.T) {
	b := Read(hostfs.Root{})
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if !b.RunningKnown || b.Running.Text != strings.TrimRight(string(text), "\n") || b.Running.File != "/proc/cmdline" {
		t.Errorf("%+v", b.Running)
	}
}

func TestCommandLine(t *testing.T) {
	for text, want := range map[string]Line{
		"audit-backlog-limit=0x2000": {BacklogLimit: 8192},
		`"audit=1" ro`:               {Audit: "1", AuditSet: true, AuditOn: true},
		`x="a audit=1"`:              {},
		"audit=":                     {AuditSet: true, AuditOn: true},
		"audit=OFF":                  {Audit: "OFF", AuditSet: true},
		"audit_backlog_limit=-1":     {},
	} {
		want.Text = text
		if diff := cmp.Diff(want, parseCommandLine(text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// FuzzRead holds that no configuration makes the reader fail.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"debian.txtar", "fedora.txtar"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add("menuentry \"a $b ${c\" '{\nlinux16 \\\n}}} set x=")
	f.Fuzz(func(t *testing.T, text string) {
		r := &reader{env: map[string]string{}}
		r.script("/grub.cfg", text)
		r.entry("/a.conf", text)
		for line := range strings.SplitSeq(text, "\n") {
			assignment(line, r)
		}
		if len(r.boot.Next) > maxEntries {
			t.Errorf("%d entries", len(r.boot.Next))
		}
	})
}
