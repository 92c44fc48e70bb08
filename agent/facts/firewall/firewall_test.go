package firewall

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// image makes a host with these files. One whose text begins with "->" is a link.
func image(t testing.TB, files map[string]string) fact.Env {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		err := os.MkdirAll(filepath.Dir(dir+name), 0o755)
		if to, link := strings.CutPrefix(text, "->"); link && err == nil {
			err = os.Symlink(to, dir+name)
		} else if err == nil {
			err = os.WriteFile(dir+name, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: time.Now}
}

func read(t *testing.T, files map[string]string) Facts {
	return Read(t.Context(), image(t, files), exposure.NewReader("/nowhere"))
}

const unit = "[Unit]\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"

func TestUFW(t *testing.T) {
	f := read(t, map[string]string{
		"/usr/sbin/ufw":                   "",
		"/lib/systemd/system/ufw.service": unit,
		"/etc/systemd/system/multi-user.target.wants/ufw.service": "->/lib/systemd/system/ufw.service",
		"/etc/ufw/ufw.conf":    "# ENABLED=no\nENABLED=yes\nLOGLEVEL=off\n",
		"/etc/default/ufw":     "IPV6=No\nDEFAULT_INPUT_POLICY=\"DROP\" # x\nDEFAULT_FORWARD_POLICY='ACCEPT'\n",
		"/etc/ufw/user.rules":  "*filter\n### RULES ###\n\n### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n-A x\n### tuple ### limit tcp 80,443 0.0.0.0/0 any 10.0.0.0/8 in_eth0 comment=6162\n### tuple ### allow_log any any 0.0.0.0/0 any 0.0.0.0/0 in\n### tuple ### route:allow any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0!out_eth1\n### tuple ### short\n",
		"/etc/ufw/user6.rules": "### tuple ### allow any any ::/0 any ::/0 in\n",
	})
	u := f.UFW
	if !u.Installed || !u.Boot.Yes || u.Enabled.Value != "yes" || u.Enabled.Line != 2 || u.LogLevel.Value != "off" || u.IPv6.Value != "no" || u.Input.Value != "DROP" ||
		u.Forward.Value != "ACCEPT" || u.Output.Value != "ACCEPT" || u.Output.Set || u.Error != "" {
		t.Errorf("got %+v", u)
	}
	var got []string
	for _, r := range u.Rules {
		got = append(got, strings.Join([]string{r.Action, r.Protocol, r.Port, r.From, map[bool]string{true: "in"}[r.Incoming], map[bool]string{true: "any"}[r.Any]}, " "))
	}
	want := []string{"allow tcp 22 0.0.0.0/0 in ", "limit tcp 80,443 10.0.0.0/8 in ", "allow any any 0.0.0.0/0 in any", "route:allow any any 0.0.0.0/0  ", "allow any any ::/0 in any"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !slices.Equal(f.AtBoot, []string{"ufw"}) || !slices.Equal(f.Starting, []string{"ufw"}) || !f.BootKnown || f.Loaded.Known || f.Loaded.IPv4.Input.Verdict != exposure.Unknown {
		t.Errorf("got %+v", f)
	}
	if !slices.Contains(f.Meta.Depends, "/etc/ufw/user6.rules") || f.Meta.State != fact.StateKnown {
		t.Errorf("got %+v", f.Meta)
	}
}

// TestNone: a host without any manager.
func TestNone(t *testing.T) {
	f := read(t, nil)
	if f.UFW.Installed || f.Firewalld.Installed || f.Nftables.Installed || f.Iptables.Installed || len(f.AtBoot) != 0 || !f.BootKnown {
		t.Errorf("got %+v", f)
	}
}

func TestFirewalld(t *testing.T) {
	f := read(t, map[string]string{
		"/usr/sbin/firewalld": "", "/usr/lib/systemd/system/firewalld.service": unit,
		"/etc/systemd/system/multi-user.target.wants/firewalld.service": "->/usr/lib/systemd/system/firewalld.service",
		"/etc/firewalld/firewalld.conf":                                 "# x\nDefaultZone=public\nLogDenied=off\n",
		"/usr/lib/firewalld/zones/public.xml":                           `<?xml version="1.0" encoding="utf-8"?><zone><short>Public</short><service name="ssh"/><service name="cockpit"/><forward/></zone>`,
		"/etc/firewalld/zones/trusted.xml":                              `<?xml version="1.0"?><zone target="ACCEPT"><interface name="eth1"/><source address="10.0.0.0/8"/><port port="1-9" protocol="udp"/><rule family="ipv4"><service name="telnet"/><accept/></rule></zone>`,
		"/etc/firewalld/zones/idle.xml":                                 `<zone target="DROP"></zone>`,
		"/etc/firewalld/zones/broken.xml":                               `<zone><service`,
		"/etc/firewalld/zones/public.xml.old":                           `x`,
	})
	var got []string
	for _, z := range f.Firewalld.Zones {
		got = append(got, strings.Join([]string{z.Name, z.Target, strings.Join(z.Interfaces, ","), strings.Join(z.Sources, ","), strings.Join(z.Services, ","), strings.Join(z.Ports, ",")}, "|"))
		if (z.Error != "") != (z.Name == "broken") || z.Default != (z.Name == "public") || z.Forward != (z.Name == "public") {
			t.Errorf("got %+v", z)
		}
	}
	want := []string{"broken|default||||", "trusted|ACCEPT|eth1|10.0.0.0/8||1-9/udp", "public|default|||ssh,cockpit|"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !slices.Equal(f.AtBoot, []string{"firewalld"}) {
		t.Errorf("got %q", f.AtBoot)
	}
}

const conf = `#!/usr/sbin/nft -f
flush ruleset
include "/etc/nftables.d/*.nft"
table inet filter { # { not this }
	chain input {
		type filter hook input priority 0; policy accept;
		iifname "lo }" accept
		tcp dport { 22, 80 } \
			accept
		counter drop
	}
	chain forward {
		type filter hook forward priority 0; policy drop;
	}
}
`

func TestNftables(t *testing.T) {
	files := map[string]string{
		"/usr/sbin/nft": "", "/lib/systemd/system/nftables.service": "[Service]\nExecStart=/usr/sbin/nft -f /etc/nftables.conf\n[Install]\nWantedBy=sysinit.target\n",
		"/etc/systemd/system/sysinit.target.wants/nftables.service": "->/lib/systemd/system/nftables.service",
		"/etc/nftables.conf":      conf,
		"/etc/nftables.d/six.nft": "table ip6 six {\n chain in {\n type filter hook input priority 5\n policy drop\n }\n}\n",
		"/etc/nftables.d/other":   "table ip x { chain in { type filter hook input priority 0; } }",
	}
	f := read(t, files)
	want := []RulesFile{
		{Path: "/etc/nftables.conf", Chains: 2, IPv4: true, IPv6: true, Input: "drop", Line: 6, Raw: "type filter hook input; policy accept"},
		{Path: "/etc/nftables.d/six.nft", Chains: 1, IPv6: true, Input: "drop", Line: 4, Raw: "type filter hook input; policy drop"},
	}
	if d := cmp.Diff(want, f.Nftables.Files); d != "" {
		t.Error(d)
	}
	if !slices.Equal(f.AtBoot, []string{"nftables"}) {
		t.Errorf("got %q", f.AtBoot)
	}
	// The file that comes with Debian has chains, and lets everything in.
	files["/etc/nftables.conf"] = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter;\n\t}\n}\n"
	if got := read(t, files).Nftables.Files[0]; got.Input != "accept" || got.Line != 3 {
		t.Errorf("got %+v", got)
	}
	for text, want := range map[string]string{
		"table inet f { chain i { type filter hook input priority 0; tcp dport 22 drop; }; }":                                       "accept",
		"table inet f { chain i { type filter hook input priority 0; tcp dport 22 accept; reject with icmpx admin-prohibited; }; }": "drop",
		"add table inet f\nadd chain inet f i { type filter hook input priority 0; policy drop; }\n":                                "drop",
		"table inet f { chain i { type nat hook prerouting priority 0; policy drop; }; }":                                           "",
		"": "",
		"table inet f { chain i { type filter hook input priority 0; policy drop": "",
	} {
		var one RulesFile
		one.parseNft(text)
		if one.Input != want {
			t.Errorf("%s: got %+v, want %s", text, one, want)
		}
	}
}

func TestIptables(t *testing.T) {
	f := read(t, map[string]string{
		"/lib/systemd/system/netfilter-persistent.service":                         unit,
		"/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service": "->/lib/systemd/system/netfilter-persistent.service",
		"/etc/iptables/rules.v4": "# x\n*nat\n:INPUT DROP [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:own - [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n",
		"/etc/iptables/rules.v6": "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\n-A own -j DROP\nCOMMIT\n",
	})
	want := []RulesFile{
		{Path: "/etc/iptables/rules.v4", Chains: 2, IPv4: true, Input: "drop", Line: 9, Raw: "-A INPUT -j REJECT --reject-with icmp-port-unreachable"},
		{Path: "/etc/iptables/rules.v6", Chains: 1, IPv6: true, Input: "accept", Line: 2, Raw: ":INPUT ACCEPT [0:0]"},
	}
	if d := cmp.Diff(want, f.Iptables.Files); d != "" || f.Iptables.Unit != "netfilter-persistent.service" {
		t.Error(d, f.Iptables.Unit)
	}
	if !slices.Equal(f.AtBoot, []string{"iptables"}) {
		t.Errorf("got %q", f.AtBoot)
	}
}

// TestHostile: what is no file, or too large, is said, and masks and links are not
// mistaken for a start.
func TestHostile(t *testing.T) {
	f := read(t, map[string]string{
		"/usr/sbin/ufw": "", "/etc/ufw/ufw.conf/dir": "", "/usr/sbin/nft": "", "/etc/nftables.conf": strings.Repeat("x", maxFile+1),
		"/lib/systemd/system/nftables.service": unit, "/etc/systemd/system/nftables.service": "->/dev/null",
	})
	if f.UFW.Error == "" || f.Nftables.Boot.Yes || !strings.Contains(f.Nftables.Boot.Reason, "masked") || f.Nftables.Files[0].Error == "" {
		t.Errorf("got %+v", f)
	}
}

// TestRealRules: what nft itself prints is read as it is loaded.
func TestRealRules(t *testing.T) {
	text := strings.ReplaceAll(strings.ReplaceAll(conf, `include "/etc/nftables.d/*.nft"`, ""), "flush ruleset", "")
	cmd := exec.Command("unshare", "-n", "sh", "-ec", "nft -f /dev/stdin; nft list ruleset")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("nft (Debian package nftables): %v\n%s", err, out)
	}
	var f RulesFile
	f.parseNft(string(out))
	if f.Chains != 2 || f.Input != "drop" || !f.IPv4 || !f.IPv6 {
		t.Errorf("got %+v of\n%s", f, out)
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	zone := func(inside string, n int) string { return "<zone>" + strings.Repeat(inside, n) + "</zone>" }
	own := func(files map[string]string) map[string]string {
		files["/usr/sbin/firewalld"] = ""
		return files
	}
	for name, tt := range map[string]struct {
		most  int
		files func(n int) map[string]string
		want  string
	}{
		"rules of ufw": {maxUFWRules, func(n int) map[string]string {
			return map[string]string{"/etc/ufw/user.rules": strings.Repeat("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n", n-1),
				"/etc/ufw/user6.rules": "### tuple ### allow any any ::/0 any ::/0 in\n"}
		}, "ufw.rules"},
		"services": {maxInZone, func(n int) map[string]string {
			return own(map[string]string{ownZones + "/public.xml": zone(`<service name="ssh"/>`, n)})
		}, "firewalld.zones"},
		"zones": {maxZones, func(n int) map[string]string {
			files := map[string]string{stockZones + "/public.xml": zone("", 1)}
			for i := range n {
				files[ownZones+"/z"+strconv.Itoa(i)+".xml"] = zone("", 1)
			}
			return own(files)
		}, "firewalld.zones"},
	} {
		for more, want := range []string{"", tt.want} {
			f := read(t, tt.files(tt.most+more))
			if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); got != want || f.UFW.Error+f.Firewalld.Error != "" {
				t.Errorf("%s, %d more: %q, want %q", name, more, got, want)
			}
		}
	}
	f := read(t, map[string]string{"/etc/default/ufw": "DEFAULT_FORWARD_POLICY=ACCEPT #" + strings.Repeat(" ", maxRaw)})
	if f.UFW.Forward.Value != "ACCEPT" {
		t.Errorf("a long line: got %+v", f.UFW.Forward)
	}
}

// TestSavedBounds: what of nft's files is not looked at is an error.
func TestSavedBounds(t *testing.T) {
	for more, want := range []string{"", "more files"} {
		files := map[string]string{"/lib/systemd/system/nftables.service": unit, "/etc/nftables.conf": `include "/etc/nft.d/*"`}
		for i := range maxIncluded - 1 + more {
			files["/etc/nft.d/"+strconv.Itoa(i)] = ""
		}
		list := read(t, files).Nftables.Files
		if last := list[len(list)-1].Error; len(list) != maxIncluded+more || !strings.Contains(last, want) || (last == "") != (want == "") {
			t.Errorf("%d more: %d files, %q", more, len(list), last)
		}
		var one RulesFile
		one.parseNft(strings.Repeat(";", maxTokens+more))
		if (one.Error == "") != (want == "") {
			t.Errorf("%d more: %q", more, one.Error)
		}
	}
}

// FuzzRules: whatever a file holds, what is said of it is one of three words.
func FuzzRules(f *testing.F) {
	f.Add(conf)
	f.Add("*filter\n:INPUT DROP [0:0]\n-A INPUT -j DROP\nCOMMIT\n")
	f.Add("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\nENABLED=\"yes\n")
	f.Add(`<zone target="%%REJECT%%"><interface name="eth0"/></zone>`)
	f.Fuzz(func(t *testing.T, data string) {
		for _, parse := range []func(*RulesFile){func(r *RulesFile) { r.parseNft(data) }, func(r *RulesFile) { r.parseSaved(data) }} {
			var r RulesFile
			parse(&r)
			if !slices.Contains([]string{"", "drop", "accept"}, r.Input) || r.Input != "" && r.Line == 0 {
				t.Errorf("got %+v", r)
			}
		}
		rules, _ := parseUFWRules("/x", data, maxUFWRules)
		for _, r := range rules {
			if r.Line < 1 || r.Any && r.Port != "any" {
				t.Errorf("got %+v", r)
			}
		}
		assignments("/x", data, func(key string, v fact.Text) {
			if strings.Contains(key, "=") || v.Line < 1 {
				t.Errorf("got %q %+v", key, v)
			}
		})
		z := Zone{}
		if _, err := z.parse(data); err == nil && len(z.Services) > maxInZone {
			t.Errorf("got %+v", z)
		}
	})
}
