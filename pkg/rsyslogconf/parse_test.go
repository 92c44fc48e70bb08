package rsyslogconf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

// short writes items one a line.
func short(items []Item) string {
	var b strings.Builder
	for _, it := range items {
		fmt.Fprintf(&b, "%d %s", it.Line, it.Kind)
		if it.Ruleset != "" {
			fmt.Fprintf(&b, " [%s]", it.Ruleset)
		}
		for _, s := range []string{it.Name, it.Filter, it.Value} {
			if s != "" {
				b.WriteString(" " + s)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(it.Params)) {
			fmt.Fprintf(&b, " %s=%q", k, it.Params[k])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestParse(t *testing.T) {
	const text = `# a comment
module(load="imuxsock") # provides support
module( load = "imtcp"
        StreamDriver.Mode="1"	# TLS
        PermittedPeer=["a.example", "b.example"]
)
$FileCreateMode 0640
$ModLoad	imudp   # of old
/* several
   lines */
*.*;auth,authpriv.none		-/var/log/syslog
auth,authpriv.*			/var/log/auth.log
& @@log.example:514
mail.err,news.crit /var/log/err.log;\
    Template
:msg, contains, "a \"quoted\" # word" ~
*.emerg				:omusrmsg:*
if $programname == 'then {' and not ($syslogseverity <= 6) then {
    action(type="omfile" file="/var/log/x.log")
    stop
} else if $msg contains "x" then @192.0.2.1
ruleset(name="remote") {
    *.* action(type="omfwd" target="2001:db8::1" port="6514" protocol="tcp")
    if $fromhost == "a" then { set $.x = "a;b"; call other }
    /var/log/remote.log
}
template(name="t" type="list") { constant(value="/var/log/") property(name="hostname") }
input(type="imtcp" port="514" ruleset="remote")
kern.* |/dev/xconsole
`
	want := `2 object module load="imuxsock"
3 object module load="imtcp" permittedpeer="a.example b.example" streamdriver.mode="1"
7 directive filecreatemode 0640
8 directive modload imudp
11 rule *.*;auth,authpriv.none -/var/log/syslog
12 rule auth,authpriv.* /var/log/auth.log
13 rule & @@log.example:514
14 rule mail.err,news.crit /var/log/err.log;Template
16 rule :msg, contains, "a \"quoted\" # word" ~
17 rule *.emerg :omusrmsg:*
19 object action file="/var/log/x.log" type="omfile"
21 rule @192.0.2.1
22 object ruleset name="remote"
23 object [remote] action port="6514" protocol="tcp" target="2001:db8::1" type="omfwd"
25 rule [remote] /var/log/remote.log
27 object template name="t" type="list"
27 object constant value="/var/log/"
27 object property name="hostname"
28 object input port="514" ruleset="remote" type="imtcp"
29 rule kern.* |/dev/xconsole
`
	if diff := cmp.Diff(want, short(Parse("f", []byte(text)))); diff != "" {
		t.Error(diff)
	}
}

func TestParseBroken(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"/* open":                    "",
		"action(type=\"omfile":       "1 object action type=\"omfile\"\n",
		"input(":                     "1 object input\n",
		"if $x then":                 "",
		"if":                         "",
		"}}}*.* /x":                  "1 rule *.* /x\n",
		"$":                          "1 directive\n",
		"set $.x = \"":               "",
		"module(load=imudp,x=[\"a\"": "1 object module load=\"imudp\" x=\"a\"\n",
		":msg, contains":             "1 rule :msg, contains\n",
	} {
		if got := short(Parse("f", []byte(text))); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	root := image.Of(t, map[string]string{
		"/etc/rsyslog.conf": "$IncludeConfig /etc/rsyslog.d/*.conf\ninclude(file=\"/etc/none.conf\" mode=\"optional\")\n" +
			"include(text=`echo $X`)\n$FileCreateMode 0600\n",
		"/etc/rsyslog.d/20-b.conf":   "*.* /b\n",
		"/etc/rsyslog.d/10-a.conf":   "*.* /a\n",
		"/etc/rsyslog.d/.hidden":     "*.* /c\n",
		"/etc/rsyslog.d/old.bak":     "*.* /d\n",
		"/etc/loop.conf":             "$IncludeConfig /etc/loop.conf\n",
		"/etc/missing.conf":          "include(file=\"/etc/none.conf\")\n",
		"/etc/rsyslog.d/dir.conf/x":  "",
		"/etc/rsyslog.d/30-deep/x.c": "",
	})
	c, err := Load(root, "/etc/rsyslog.conf")
	if err != nil {
		t.Fatal(err)
	}
	want := `1 directive includeconfig /etc/rsyslog.d/*.conf
1 rule *.* /a
1 rule *.* /b
2 object include file="/etc/none.conf" mode="optional"
3 object include text="` + "`echo $X`" + `"
3 unknown include what /etc/rsyslog.conf includes is made when rsyslogd starts text="` + "`echo $X`" + `"
4 directive filecreatemode 0600
`
	if diff := cmp.Diff(want, short(c.Items)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/etc/rsyslog.conf", "/etc/rsyslog.d/10-a.conf", "/etc/rsyslog.d/20-b.conf"}, c.Files); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(c.Watch, "/etc/rsyslog.d/") || !slices.Contains(c.Watch, "/etc/none.conf") {
		t.Errorf("watch %q", c.Watch)
	}
	for _, name := range []string{"/etc/loop.conf", "/etc/missing.conf", "/etc/none.conf"} {
		if _, err := Load(root, name); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestBounds: what is too much is an error, or an item that says so.
func TestBounds(t *testing.T) {
	for lines, ok := range map[int]bool{maxItems - 1: true, maxItems: false} {
		c, err := Load(image.Of(t, map[string]string{"/etc/rsyslog.conf": strings.Repeat("*.* /x\n", lines)}), "/etc/rsyslog.conf")
		if (err == nil) != ok || ok && len(c.Items) != lines {
			t.Errorf("%d lines: %v", lines, err)
		}
	}
	for params, ok := range map[int]bool{maxParams: true, maxParams + 1: false} {
		var b strings.Builder
		for i := range params {
			fmt.Fprintf(&b, " p%d=\"x\"", i)
		}
		items := Parse("f", []byte("input("+b.String()+")\n*.* /x\n"))
		if last := items[len(items)-2]; (last.Kind != KindUnknown) != ok || last.Value == "" && !ok {
			t.Errorf("%d parameters: %d items, %s %s", params, len(items), last.Kind, last.Value)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "$A b\n", "*.* @@h\n", "action(type=\"omfile\" file='/x')", "if $x == \"then\" then { /x }", "ruleset(name=\"r\"){ stop }",
		"/* */ & ~\n", ":msg, contains, \"x\" /y\n", "module(load=[\"a\" \"b\"] x=`y`)", "foreach ($.i in $.c) do { set $.x=1; }",
		"a(b=\\\n", "x.y\\\n", "\"", "'\\",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Count(string(text), "\n") + 1
		for _, it := range Parse("f", text) {
			if it.Line < 1 || it.Line > lines || it.Kind == "" {
				t.Fatalf("%+v of %d lines", it, lines)
			}
		}
	})
}
