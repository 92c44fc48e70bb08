package sockets

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// image makes a host with these files.
func image(t testing.TB, files map[string]string) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(dir+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestNames(t *testing.T) {
	root := image(t, map[string]string{
		"/etc/hosts":         "127.0.0.1\tlocalhost  # this host\n::1 localhost ip6-localhost\n\n#1.2.3.4 no\n10.0.0.300 Db.example.net\n203.0.113.9 localhost\n",
		"/etc/resolv.conf":   "; made by hand\nsearch example.net\nnameserver 67.207.67.2\nnameserver 127.0.0.53 # stub\nnameserver\nnameserver 8.8.8\n",
		"/etc/nsswitch.conf": "passwd: files systemd\nhosts: mymachines [NOTFOUND=continue] files  mdns4_minimal [NOTFOUND=return] dns\n",
	})
	n := readNames(root, &fact.Meta{})
	wantHosts := []Host{
		{"localhost", "127.0.0.1", true, true, hostsFile, 1, "127.0.0.1\tlocalhost"},
		{"localhost", "::1", true, true, hostsFile, 2, "::1 localhost ip6-localhost"},
		{"ip6-localhost", "::1", true, true, hostsFile, 2, "::1 localhost ip6-localhost"},
		{"db.example.net", "10.0.0.300", false, false, hostsFile, 5, "10.0.0.300 Db.example.net"},
		{"localhost", "203.0.113.9", true, false, hostsFile, 6, "203.0.113.9 localhost"},
	}
	if d := cmp.Diff(wantHosts, n.Hosts); d != "" {
		t.Error(d)
	}
	wantServers := []Server{
		{"67.207.67.2", true, exposure.ScopePublic, resolvFile, 3, "nameserver 67.207.67.2"},
		{"127.0.0.53", true, exposure.ScopeLoopback, resolvFile, 4, "nameserver 127.0.0.53"},
		{"8.8.8", false, "", resolvFile, 6, "nameserver 8.8.8"},
	}
	if d := cmp.Diff(wantServers, n.Servers); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"mymachines", "files", "mdns4_minimal", "dns"}, n.Sources); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"mymachines"}, n.Ahead); d != "" || n.Order.Line != 2 || !n.HostsKnown || !n.ServersKnown {
		t.Errorf("%s %+v", d, n)
	}
}

// TestHostile: what stands in the place of a file is not waited for, and what is in it
// is bounded.
func TestHostile(t *testing.T) {
	root := image(t, map[string]string{
		"/etc/nsswitch.conf": "hosts: " + strings.Repeat("[", 100) + "\nhosts: [a\n",
		"/etc/resolv.conf":   strings.Repeat("nameserver 1.1.1.1\n", 1000),
	})
	if err := unix.Mkfifo(root.Path(hostsFile), 0o644); err != nil {
		t.Fatal(err)
	}
	n := readNames(root, &fact.Meta{})
	if n.HostsKnown || n.HostsErr == "" || len(n.Servers) != maxServers || len(n.Sources) != 0 {
		t.Errorf("got %+v", n)
	}
	none := readNames(image(t, nil), &fact.Meta{})
	if !none.HostsKnown || len(none.Hosts) != 0 || none.Order.Set {
		t.Errorf("got %+v", none)
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	long := maxFile / 16
	for name, tt := range map[string]struct {
		file string
		text func(more int) string
		want string
	}{
		"hosts":         {hostsFile, func(more int) string { return strings.Repeat("::1 x\n", maxHosts+more) }, "names.hosts"},
		"a host's line": {hostsFile, func(more int) string { return "::1 " + strings.Repeat("x", long-4+more) + "\n" }, "names.hosts"},
		"a comment":     {hostsFile, func(more int) string { return "::1 x#" + strings.Repeat("x", long-1+more) + "\n" }, ""},
		"servers":       {resolvFile, func(more int) string { return strings.Repeat("nameserver ::1\n", maxServers+more) }, "names.servers"},
		"a server's":    {resolvFile, func(more int) string { return "nameserver " + strings.Repeat(" ", long-14+more) + "::1\n" }, "names.servers"},
		"sources":       {switchFile, func(more int) string { return "hosts: files " + strings.Repeat("x", maxRaw-13+more) + "\n" }, "names.ahead names.order names.sources"},
	} {
		for more, want := range []string{"", tt.want} {
			var m fact.Meta
			n := readNames(image(t, map[string]string{tt.file: tt.text(more)}), &m)
			if got := strings.Join(slices.Sorted(maps.Keys(m.Partial)), " "); got != want || !n.HostsKnown || !n.ServersKnown {
				t.Errorf("%s, %d more: %q, want %q", name, more, got, want)
			}
		}
	}
	for want, seen := range map[string]exposure.Look{
		"":           {Unowned: 1}, // the kernel's own
		"sockets":    {More: 1},
		"sockets 2":  {Unowned: 1, Limited: "there was no time for all processes"},
		"interfaces": {Others: true},
	} {
		var m fact.Meta
		leave(&m, &seen)
		want, _, _ = strings.Cut(want, " ")
		if got := strings.Join(slices.Sorted(maps.Keys(m.Partial)), " "); got != want {
			t.Errorf("%+v: %q", seen, got)
		}
	}
}

// TestRead: an image has names, and no sockets; the running system has both.
func TestRead(t *testing.T) {
	reader := exposure.NewReader("/nowhere")
	f := Read(t.Context(), fact.Env{Root: image(t, map[string]string{"/etc/hosts": "::1 localhost\n"}), Now: time.Now}, reader)
	if f.Known || !strings.Contains(f.Reason, "image") || len(f.Names.Hosts) != 1 || f.Meta.State != fact.StateKnown || len(f.Meta.Depends) != 3 {
		t.Errorf("got %+v", f)
	}
	f = Read(t.Context(), fact.Env{Now: time.Now}, reader)
	if !f.Known || len(f.Interfaces) == 0 || f.Sockets == nil {
		t.Errorf("got %+v", f)
	}
}

// FuzzNames: whatever the files hold, what is read is bounded.
func FuzzNames(f *testing.F) {
	f.Add("127.0.0.1 localhost\nnameserver 1.1.1.1\nhosts: files [NOTFOUND=return] dns\n")
	f.Add("fe80::1%eth0 x\nnameserver fe80::1%2\nhosts:[\n")
	f.Fuzz(func(t *testing.T, data string) {
		if list, _ := parseHosts(data); len(list) > maxHosts {
			t.Errorf("%d hosts", len(list))
		}
		servers, _ := parseResolv(data)
		for _, s := range servers {
			if s.Valid != (s.Scope != "") {
				t.Errorf("got %+v", s)
			}
		}
		order, sources, _ := parseSwitch(data)
		if !order.Set && len(sources) > 0 {
			t.Errorf("got %+v, %q", order, sources)
		}
	})
}
