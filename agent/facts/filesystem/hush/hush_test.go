package hush

import (
	"strings"
	"testing"

	"seawall/pkg/mounts"
)

func TestEntry(t *testing.T) {
	for line, want := range map[string]string{
		"//n/x /x cifs user=ann,password=hunter2,ro": "password: //n/x /x cifs user=ann,password=…,ro",
		"//n/x /x cifs PASS=hunter2":                 "PASS: //n/x /x cifs PASS=…",
		"//n/x /x cifs credentials=/etc/c":           ": //n/x /x cifs credentials=/etc/c",
		"m:/ /x ceph name=a,secret=hunter2":          "secret: m:/ /x ceph name=a,secret=…",
		"ftp://a:hunter2@h/d /x fuse rw":             "the source: ftp://a:…@h/d /x fuse rw",
		"ftp://a:p@hunter2@h /x fuse password=":      "the source: ftp://a:…@h /x fuse password=",
		"/dev/sda /x ext4 defaults":                  ": /dev/sda /x ext4 defaults",
		"broken hunter2":                             ": fewer than three fields",
	} {
		e := mounts.ParseTab([]byte(line))[0]
		name, raw := Entry(&e)
		if got := name + ": " + raw; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestSource(t *testing.T) {
	for source, want := range map[string]string{"https://u:p@h:80/x": "https://u:…@h:80/x", "https://u@h/x:y@z": "https://u@h/x:y@z", "//host/share": "//host/share",
		"UUID=1": "UUID=1", "a//b:c@d": "a//b:…@d", "//": "//"} {
		if got := Source(source); got != want {
			t.Errorf("%s: got %s, want %s", source, got, want)
		}
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("//n/x /x cifs password=p,secret=q")
	f.Add("ftp://a:b@c/d /x fuse rw")
	f.Fuzz(func(t *testing.T, line string) {
		for _, e := range mounts.ParseTab([]byte(line)) {
			name, raw := Entry(&e)
			if name != "" && !strings.Contains(raw, hidden) && len(raw) < maxName-8 || len(raw) > maxName {
				t.Errorf("%q: %q, %q", line, name, raw)
			}
		}
	})
}
