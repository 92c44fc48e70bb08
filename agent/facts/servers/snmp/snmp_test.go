package snmp

import (
	"fmt"
	"strings"
	"testing"

	"seawall/pkg/hostfs/image"
)

func TestSnmpd(t *testing.T) {
	for _, tt := range []struct{ conf, want string }{
		{"agentaddress  127.0.0.1,[::1]\nrocommunity public default\n", "known false: it listens on loopback alone /n:1"},
		{"agentAddress udp:127.0.0.1:161,udp6:[::1]:161\nrwcommunity private\n", "known false: it listens on loopback alone"},
		{"agentaddress udp:161,udp6:[::1]:161\nrocommunity public default -V systemonly\n", "known true: rocommunity public default /n:2"},
		{"rocommunity public\n", "known true: rocommunity public /n:1"},
		{"rocommunity Kj3x8 10.0.0.5\nrocommunity public 10.0.0.5\n", "known false: no community is known to everybody, and none writes"},
		{"rocommunity Kj3x8\n", "known false"},
		{"rwcommunity Kj3x8\n", "known true: rwcommunity …: a community of strangers writes /n:1"},
		{"rwcommunity6 Kj3x8 ::/0\n", "known true: rwcommunity6 … ::/0: a community of strangers writes"},
		{"rwcommunity Kj3x8 10.0.0.5\n", "known false"},
		{"com2sec readonly default public\n", "known true: com2sec public default"},
		{"com2sec -Cn ctx readonly default PRIVATE\n", "known true: com2sec PRIVATE default"},
		{"com2sec readonly 10.0.0.0/8 public\n", "known false"},
		{"rouser ann authpriv\n", "known false"},
		{"includeDir /d\n", "known true: rocommunity public /d/a.conf:1"},
	} {
		var a Answers
		_, err := a.Snmpd(image.Of(t, map[string]string{"/n": tt.conf, "/d/a.conf": "rocommunity public\n"}), "/n")
		o := a.Community[0]
		got := fmt.Sprintf("known %v: %s", o.Allowed, o.Reason)
		for _, p := range o.Places {
			got += fmt.Sprintf(" %s:%d", p.File, p.Line)
		}
		if err != nil || !o.Known || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\ngot  %s, %v\nwant %s", tt.conf, got, err, tt.want)
		}
		if strings.Contains(fmt.Sprint(a), "Kj3x8") {
			t.Errorf("a community is kept: %+v", a)
		}
	}
	var a Answers
	if _, err := a.Snmpd(image.Of(t, nil), "/n"); err == nil || a.Community[0].Known {
		t.Errorf("%+v, %v", a, err)
	}
}
