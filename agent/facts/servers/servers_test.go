package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

const (
	unit = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
	want = "/etc/systemd/system/multi-user.target.wants/"
)

func read(root hostfs.Root) Facts {
	return Read(context.Background(), fact.Env{Root: root, Now: time.Now})
}

// TestInUse: a server is asked when something starts it, or nobody knows.
func TestInUse(t *testing.T) {
	squid := map[string]string{"/usr/sbin/squid": "", "/etc/squid/squid.conf": "http_port 3128\nhttp_access allow all\n"}
	for _, tt := range []struct {
		name   string
		more   map[string]string
		found  string
		answer bool
	}{
		{"enabled", map[string]string{"/usr/lib/systemd/system/squid.service": unit, want + "squid.service": unit}, "squid true /etc/systemd/system/multi-user.target.wants/squid.service", true},
		{"disabled", map[string]string{"/usr/lib/systemd/system/squid.service": unit}, "squid false nothing starts it at boot", false},
		{"masked", map[string]string{"/etc/systemd/system/squid.service": "", want + "squid.service": unit}, "squid false nothing starts it at boot", false},
		{"script", map[string]string{"/etc/init.d/squid": "", "/etc/rc2.d/S01squid": ""}, "squid true /etc/rc2.d/S01squid starts it", true},
		{"stopped script", map[string]string{"/etc/init.d/squid": "", "/etc/rc2.d/K01squid": ""}, "squid false nothing starts it at boot", false},
		{"no unit", nil, "squid true it has no unit, so that what starts it is not known", true},
	} {
		files := map[string]string{}
		for _, m := range []map[string]string{squid, tt.more} {
			for name, text := range m {
				files[name] = text
			}
		}
		f := read(image.Of(t, files))
		got := ""
		for _, s := range f.Found {
			got += fmt.Sprint(s.Name, " ", s.InUse, " ", s.Reason)
		}
		if f.Meta.State != fact.StateKnown || got != tt.found || (len(f.Proxy.Open) == 1) != tt.answer {
			t.Errorf("%s: got %s, %d answers, want %s", tt.name, got, len(f.Proxy.Open), tt.found)
		}
		if tt.answer && !f.Proxy.Open[0].Allowed {
			t.Errorf("%s: %+v", tt.name, f.Proxy.Open)
		}
		if !slices.Contains(f.Meta.Depends, "/etc/squid/squid.conf") {
			t.Errorf("%s: %q", tt.name, f.Meta.Depends)
		}
	}
}

// TestNotAServer: a program without a unit and a configuration belongs to another
// package, as NetworkManager's dnsmasq does.
func TestNotAServer(t *testing.T) {
	f := read(image.Of(t, map[string]string{"/usr/sbin/dnsmasq": "", "/usr/bin/rsync": ""}))
	if len(f.Found) != 0 || len(f.Resolver.Open) != 0 || f.Meta.State != fact.StateKnown {
		t.Errorf("%+v", f)
	}
}

// TestEveryServer: each can be asked, and one whose configuration is gone is not
// known.
func TestEveryServer(t *testing.T) {
	files := map[string]string{}
	for _, k := range all() {
		files[k.programs[0]] = ""
		files["/usr/lib/systemd/system/"+k.units[0]] = unit
		files[want+k.units[0]] = unit
	}
	f := read(image.Of(t, files))
	if len(f.Found) != len(all()) {
		t.Errorf("%d of %d servers", len(f.Found), len(all()))
	}
	for _, s := range f.Found {
		// Those have defaults without a file, or files of clusters and exports that may
		// not be there.
		without := []string{"systemd-resolved", "nfs", "postgresql"}
		if (s.Error == "") != slices.Contains(without, s.Name) || !s.InUse {
			t.Errorf("%+v", s)
		}
	}
	for _, o := range slices.Concat(f.Mail.Relay, f.Proxy.Open, f.Database.Open, f.Web.Tokens, f.Share.FTPWrite, f.SNMP.Community) {
		if o.Known {
			t.Errorf("known without a configuration: %+v", o)
		}
	}
}

// TestHostile: what lies in place of a configuration costs a bounded time, and its
// server is not known.
func TestHostile(t *testing.T) {
	type place func(path string) error
	for name, put := range map[string]place{
		"fifo":      func(p string) error { return unix.Mkfifo(p, 0o600) },
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"loop":      func(p string) error { return os.Symlink(p[strings.LastIndexByte(p, '/')+1:], p) },
		"long line": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("a ", 1<<19)), 0o600) },
		"one GB":    func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Truncate(p, 1<<30)) },
		"binary":    func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("\xff{\x00\n[\"", 1<<12)), 0o600) },
	} {
		files := map[string]string{}
		for _, k := range all() {
			files[k.programs[0]] = ""
			files["/usr/lib/systemd/system/"+k.units[0]] = unit
			files[want+k.units[0]] = unit
			files[k.configs[0][:strings.LastIndexByte(k.configs[0], '/')]+"/x"] = ""
		}
		root := image.Of(t, files)
		for _, k := range all() {
			if k.name == "postgresql" || k.name == "pure-ftpd" {
				continue // directories
			}
			if err := put(root.Path(k.configs[0])); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		f := read(root)
		if took := time.Since(start); took > time.Minute || f.Meta.State != fact.StateKnown || len(f.Found) != len(all()) {
			t.Errorf("%s: %s, %d servers", name, took, len(f.Found))
		}
	}
}

// TestLive reads this machine, whatever it runs.
func TestLive(t *testing.T) {
	if f := read(hostfs.Root{}); f.Meta.State != fact.StateKnown || f.Meta.Took == 0 {
		t.Errorf("%+v", f.Meta)
	}
}
