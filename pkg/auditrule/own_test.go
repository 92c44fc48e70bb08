package auditrule

import "testing"

func TestBody(t *testing.T) {
	same := [][2]string{
		{"-w /etc/nosuch -p wa -k a", "-w /etc/nosuch -p wa"},
		{"-a always,exit -F arch=b64 -S execve -k a -k b", "-a always,exit -F arch=b64 -S execve -k c"},
	}
	for _, p := range same {
		if a, b := parse(t, p[0]).Body(), parse(t, p[1]).Body(); a != b || a == "" {
			t.Errorf("%s\n%s\ndiffer:\n%s\n%s", p[0], p[1], a, b)
		}
	}
	if parse(t, "-w /a -p wa -k a").Body() == parse(t, "-w /b -p wa -k a").Body() {
		t.Error("two watches are the same")
	}
}

func TestCovers(t *testing.T) {
	for text, want := range map[string]string{
		"-a always,exit -F dir=/etc -F perm=wa -k a":                  "/etc",
		"-a always,exit -F dir=/etc -F perm=rwxa":                     "/etc",
		"-a always,exit -F dir=/etc -F perm=w":                        "",
		"-a always,exit -F dir=/etc -F perm=wa -F uid=0":              "",
		"-a always,exit -F dir!=/etc -F perm=wa":                      "",
		"-a never,exit -F dir=/etc -F perm=wa":                        "",
		"-a always,exit -F arch=b64 -S openat -F dir=/etc -F perm=wa": "",
		"-a always,exit -S openat -F dir=/etc -F perm=wa":             "",
		"-a never,exclude -F msgtype=CWD":                             "",
		"-a always,exit -F path=/etc/passwd -F perm=wa":               "",
	} {
		if got := parse(t, text).Covers(); got != want {
			t.Errorf("%s covers %q, want %q", text, got, want)
		}
	}
}

func TestNarrow(t *testing.T) {
	// A rule for all below a directory becomes one for each architecture, of the calls that
	// can do it; the event is the same.
	wide := parse(t, "-a always,exit -F dir=/srv -F perm=wa -F auid>=1000 -k a")
	open := Event{Arch: archNumbers()["x86_64"], Syscall: 257, Perm: PermWrite, AUID: 1000, Paths: []string{"/srv/x"}}
	for _, r := range Narrow(wide) {
		if len(r.mask()) > 60 || len(r.mask()) < 20 {
			t.Errorf("%s names %d calls", r.Text, len(r.mask()))
		}
		if again, err := FromWire(r.Wire); err != nil || again.ID() != r.ID() {
			t.Errorf("%s: %v", r.Text, err)
		}
	}
	for _, e := range []Event{open, {Arch: open.Arch, Syscall: 0, Perm: PermRead, AUID: 1000, Paths: []string{"/srv/x"}},
		{Arch: open.Arch, Syscall: 90, Perm: PermAttr, AUID: 5, Paths: []string{"/srv/x"}}} {
		before, _ := NewSet([]Rule{wide}).Judge(e)
		after, _ := NewSet(Narrow(wide)).Judge(e)
		if before != after {
			t.Errorf("%+v: %v, narrow %v", e, before, after)
		}
	}
	// What WatchDir makes is what is made of the rule without calls.
	made, err := WatchDir("/srv", "a")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range Narrow(parse(t, "-a always,exit -F dir=/srv -F perm=wa -k a")) {
		if r.ID() != made[i].ID() {
			t.Errorf("%s\n%s", r.Text, made[i].Text)
		}
	}
	for _, text := range []string{
		"-a always,exit -F arch=b64 -F dir=/srv -F perm=wa", "-a always,exit -S openat -F dir=/srv -F perm=wa",
		"-a always,exit -F path=/srv/x -F perm=wa", "-a never,exclude -F msgtype=CWD", "-a always,exit -F dir=/srv",
	} {
		if got := Narrow(parse(t, text)); len(got) != 1 || got[0].ID() != parse(t, text).ID() {
			t.Errorf("%s became %v", text, got)
		}
	}
}
