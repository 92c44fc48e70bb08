package automatic

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/dnf/ini"
	"seawall/pkg/hostfs/image"
)

// line is what decides of a configuration, in one line.
func line(c Commands, err error) string {
	if errors.Is(err, ini.ErrSyntax) {
		return "refused"
	}
	number := map[bool]int{true: 1}
	var excludes []string
	for _, e := range c.Excludes {
		excludes = append(excludes, ini.List(e.Value)...)
	}
	return fmt.Sprintf("%d %d %s %s", number[yes(c.Apply)], number[yes(c.Download)], c.Type.Value, strings.Join(excludes, ","))
}

// TestAgainstDNF asks dnf-automatic itself about files made at random.
func TestAgainstDNF(t *testing.T) {
	shipped, err := os.ReadFile("testdata/automatic.conf")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"", string(shipped), strings.Replace(string(shipped), "apply_updates = no", "apply_updates = Yes", 1),
		"[commands]\napply_updates = yes\napply_updates = maybe\n", "[commands]\napply_updates = yes # now\n", "apply_updates = yes\n"}
	r := rand.New(rand.NewPCG(6, 1))
	pieces := []string{"[commands]", "[commands]", "[base]", "[emitters]", "apply_updates = yes", "apply_updates=0", "apply_updates=on", "apply_updates = maybe", "apply_updates=", "APPLY_UPDATES=1",
		"download_updates = True", "download_updates=no", "upgrade_type=security", "upgrade_type = default", "upgrade_type=Security", "excludepkgs=kernel* sudo", "exclude=a,b", "  c", "#x", ";x", "", "x"}
	for range 300 {
		text := "[commands]\n"
		for range r.IntN(9) {
			text += pieces[r.IntN(len(pieces))] + "\n"
		}
		texts = append(texts, text)
	}
	args := []string{"testdata/oracle.py"}
	var want []string
	for i, text := range texts {
		name := fmt.Sprintf("/%d.conf", i)
		root := image.Of(t, map[string]string{name: text})
		args = append(args, root.Path(name))
		c, err := (Job{Files: []string{name}}).Read(root)
		// dnf-automatic downloads what it installs.
		if yes(c.Apply) {
			c.Download.Value = "yes"
		}
		want = append(want, line(c, err))
	}
	cmd := exec.Command("/usr/bin/python3", args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test asks dnf-automatic (Debian package dnf): %v\n%s", err, errs.String())
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(got) != len(texts) {
		t.Fatalf("%d answers to %d questions", len(got), len(texts))
	}
	for i := range texts {
		if got[i] != want[i] {
			t.Errorf("%q: dnf-automatic says %q, we %q", texts[i], got[i], want[i])
		}
	}
}

func TestLoadJob(t *testing.T) {
	const unit = "/usr/lib/systemd/system/x.service"
	for text, want := range map[string]struct {
		job    Job
		action string // with a configuration that only downloads
	}{
		"[Service]\nExecStart=/usr/bin/dnf-automatic /etc/dnf/automatic.conf --timer\n":                    {NewJob(false), Download},
		"[Service]\nExecStart=-/usr/bin/dnf-automatic --installupdates\n":                                  {NewJob(false), Install},
		"[Service]\nExecStart=/usr/bin/dnf-automatic --no-installupdates --no-downloadupdates\n":           {NewJob(false), Notify},
		"[Service]\nExecStart=/usr/bin/dnf-automatic --downloadupdates --no-installupdates\n":              {NewJob(false), Download},
		"[Service]\nExecStart=/a\nExecStart=/usr/bin/dnf-automatic \"/etc/own.conf\" '--installupdates'\n": {Job{Files: []string{"/etc/own.conf"}}, Install},
		"[Service]\nExecStart=/usr/bin/dnf5 automatic --timer /etc/own.conf\n":                             {NewJob(true), Download},
		"[Service]\nExecStart=@/usr/bin/dnf dnf automatic --no-downloadupdates\n":                          {NewJob(true), Notify},
		"[Service]\nType=oneshot\n": {NewJob(false), Download},
		"[Service]\nExecStart=  \n": {NewJob(false), Download},
		"gone":                      {NewJob(false), Download},
	} {
		root := image.Of(t, map[string]string{unit: text, "/etc/dnf/automatic.conf": "[commands]\ndownload_updates=yes\n", "/etc/own.conf": "[commands]\n"})
		if text == "gone" {
			root = image.Of(t, nil)
		}
		j := LoadJob(root, "x.service", false)
		if d := cmp.Diff(want.job.Files, j.Files); d != "" || j.DNF5 != want.job.DNF5 {
			t.Errorf("%q: dnf5 %v, files (-want +got):\n%s", text, j.DNF5, d)
		}
		c := Commands{Download: Setting{Value: "yes"}}
		if got := j.Action(c); got != want.action || j.Demands() != strings.Contains(text, "installupdates") {
			t.Errorf("%q: it does %s, want %s; demands %v", text, got, want.action, j.Demands())
		}
	}
}

// TestRead: dnf5's files in their order, and values that do not count.
func TestRead(t *testing.T) {
	root := image.Of(t, map[string]string{
		DNF5Defaults: "[commands]\nupgrade_type = security\napply_updates = no\nreboot = when-needed\n",
		File:         "[commands]\napply_updates = yes\nupgrade_type = all\n[base]\nexcludepkgs = a\n b\nexclude =\n",
	})
	got, err := NewJob(true).Read(root)
	want := Commands{
		Apply:    Setting{"apply_updates", "yes", true, File, 2},
		Download: Setting{Name: "download_updates", Value: "yes"},
		Type:     Setting{"upgrade_type", "security", true, DNF5Defaults, 2},
		Reboot:   Setting{"reboot", "when-needed", true, DNF5Defaults, 4},
		Excludes: []Setting{{"excludepkgs", "a\nb", true, File, 5}},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	if got.Download.Value = "no"; NewJob(true).Action(got) != Install {
		t.Errorf("it does %s", NewJob(true).Action(got))
	}
	root = image.Of(t, map[string]string{File: "apply_updates = yes\n"})
	if c, err := NewJob(false).Read(root); !errors.Is(err, ini.ErrSyntax) || !strings.Contains(err.Error(), File) || c.Apply.Set {
		t.Errorf("a file without a section: %+v, %v", c, err)
	}
	root = image.Of(t, map[string]string{File + "/x": ""})
	if _, err := NewJob(false).Read(root); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder: %v", err)
	}
}

func TestWrapped(t *testing.T) {
	for text, want := range map[string]bool{"#!/usr/bin/sh\ndnf5 automatic \"$@\"\n": true, "#!/usr/bin/python3.9\n": false} {
		if got := Wrapped(image.Of(t, map[string]string{Program: text})); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if Wrapped(image.Of(t, nil)) {
		t.Error("no program is a wrapped one")
	}
}
