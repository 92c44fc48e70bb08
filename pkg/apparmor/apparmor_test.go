package apparmor

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/pkg/hostfs/image"
)

// loaded is what Debian 12 with apparmor-profiles and tcpdump shows.
var loaded = map[string]string{
	"sys/kernel/security/apparmor/profiles": "nvidia_modprobe (enforce)\nnvidia_modprobe//kmod (enforce)\n/usr/bin/man (enforce)\n" +
		"tcpdump (complain)\nname with (parens) (kill)\nbroken\n (enforce)\nchrome (unconfined)\n",
	"sys/kernel/security/apparmor/policy/profiles/tcpdump.12/name":        "tcpdump\n",
	"sys/kernel/security/apparmor/policy/profiles/tcpdump.12/mode":        "complain\n",
	"sys/kernel/security/apparmor/policy/profiles/tcpdump.12/attach":      "/usr/{bin,sbin}/tcpdump\n",
	"sys/kernel/security/apparmor/policy/profiles/usr.bin.man.3/name":     "/usr/bin/man\n",
	"sys/kernel/security/apparmor/policy/profiles/usr.bin.man.3/mode":     "enforce\n",
	"sys/kernel/security/apparmor/policy/profiles/usr.bin.man.3/attach":   "/usr/bin/man\n",
	"sys/kernel/security/apparmor/policy/profiles/chrome.4/name":          "chrome\n",
	"sys/kernel/security/apparmor/policy/profiles/chrome.4/mode":          "unconfined\n",
	"sys/kernel/security/apparmor/policy/profiles/chrome.4/attach":        "/opt/chrome\n",
	"sys/kernel/security/apparmor/policy/profiles/no.5/name":              "no\n",
	"sys/kernel/security/apparmor/policy/profiles/no.5/mode":              "enforce\n",
	"sys/kernel/security/apparmor/policy/profiles/no.5/attach":            "<unknown>\n",
	"sys/kernel/security/apparmor/policy/profiles/no.5/profiles/x.6/name": "x\n",
	"sys/kernel/security/apparmor/policy/profiles/no.5/profiles/x.6/mode": "kill\n",
}

func TestProfiles(t *testing.T) {
	root := image.Of(t, loaded)
	got, err := Profiles(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Profile{{Name: "nvidia_modprobe", Mode: "enforce"}, {Name: "nvidia_modprobe//kmod", Mode: "enforce"}, {Name: "/usr/bin/man", Mode: "enforce"},
		{Name: "tcpdump", Mode: "complain"}, {Name: "name with (parens)", Mode: "kill"}, {Name: "chrome", Mode: "unconfined"}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Profile{})); diff != "" {
		t.Error(diff)
	}
	walked, err := tree(root, dir+"/policy/profiles", 0)
	if err != nil {
		t.Fatal(err)
	}
	want = []Profile{{Name: "chrome", Mode: "unconfined"}, {Name: "no", Mode: "enforce"}, {Name: "x", Mode: "kill"}, {Name: "tcpdump", Mode: "complain"},
		{Name: "/usr/bin/man", Mode: "enforce"}}
	if diff := cmp.Diff(want, walked, cmpopts.IgnoreUnexported(Profile{})); diff != "" {
		t.Error(diff)
	}
	for _, list := range [][]Profile{got, walked} {
		profile := Programs(root, list)
		for program, want := range map[string]string{"/usr/bin/man": "/usr/bin/man", "/usr/sbin/tcpdump": "tcpdump", "/opt/chrome": "", "/usr/bin/mandb": "", "": ""} {
			if got := profile(program); got != want {
				t.Errorf("%s: %q", program, got)
			}
		}
	}
	if _, err := Profiles(image.Of(t, nil)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without AppArmor: %v", err)
	}
	delete(loaded, "sys/kernel/security/apparmor/policy/profiles/no.5/mode")
	if _, err := tree(image.Of(t, loaded), dir+"/policy/profiles", 0); err == nil {
		t.Error("a profile without a mode")
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"/usr/bin/x", "/usr/bin/x", true}, {"/usr/bin/*", "/usr/bin/x", true}, {"/usr/*", "/usr/bin/x", false}, {"/usr/**", "/usr/bin/x", true},
		{"/{,usr/}bin/x", "/bin/x", true}, {"/{,usr/}bin/x", "/usr/bin/x", true}, {"/{,usr/}{,s}bin/x", "/usr/sbin/x", true}, {"/{a,{b,c}}", "/c", true},
		{"/x?", "/x1", true}, {"/x?", "/x/", false}, {"/x?", "/x", false}, {"/[a-c]", "/b", true}, {"/[^a-c]", "/b", false}, {"/[^a-c]", "/d", true},
		{"/[ab", "/a", false}, {"/{a", "/a", false}, {`/\*`, "/*", true}, {`/\*`, "/a", false}, {`/a\`, "/a", false}, {"/**/x", "/a/b/x", true},
		{"/a*", "/a", true}, {"", "", true}, {"/a", "/ab", false},
	} {
		if got := Match(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%s %s: %v", tt.pattern, tt.name, got)
		}
	}
	if Match(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 4000)) {
		t.Error("matched")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("/{,usr/}{,s}bin/[a-z]*", "/usr/bin/x", "x (enforce)\n")
	f.Add("/**\\", "//", " ()\n (")
	f.Fuzz(func(t *testing.T, pattern, name, list string) {
		Match(pattern, name)
		if !strings.ContainsAny(pattern, `*?[{\`) && Match(pattern, name) != (pattern == name) {
			t.Errorf("%q %q", pattern, name)
		}
		for _, p := range parse([]byte(list)) {
			if p.Name == "" {
				t.Errorf("%q: %+v", list, p)
			}
		}
		if strings.Contains(mangle(name), "/") {
			t.Errorf("%q", name)
		}
	})
}
