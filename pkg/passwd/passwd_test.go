package passwd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsers(t *testing.T) {
	file := `root:x:0:0:root:/root:/bin/bash
# a comment

  ann:$6$salt$hash:1000:1000:Ann,,,:/home/ann:/bin/zsh
+nis
-bad:x:1:1::/:/bin/sh
short:x:5:5
void:x:five:5::/:/bin/sh
gone:x
signed:: +7:-1::/:
:x:8:8::/:/bin/sh
big:*:99999999999:0::/nonexistent:/usr/sbin/nologin
last:!:3:4::/l:/bin/false`
	got, bad := Users([]byte(file))
	want := []User{
		{Name: "root", Password: Password{State: Shadowed}, Home: "/root", Shell: "/bin/bash", Line: 1},
		{Name: "ann", Password: Password{Set, "sha512"}, UID: 1000, GID: 1000, Home: "/home/ann", Shell: "/bin/zsh", Line: 4},
		{Name: "short", Password: Password{State: Shadowed}, UID: 5, GID: 5, Line: 7},
		{Name: "signed", Password: Password{State: Empty}, UID: 7, GID: 4294967295, Home: "/", Line: 10},
		{Name: "big", Password: Password{State: None}, UID: 4294967295, Home: "/nonexistent", Shell: "/usr/sbin/nologin", Line: 12},
		{Name: "last", Password: Password{State: None}, UID: 3, GID: 4, Home: "/l", Shell: "/bin/false", Line: 13},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	compat, number := `it is an entry for the service "compat"`, "a field that must be a number is none"
	wantBad := []Bad{{5, true, "+nis", compat}, {6, true, "-bad", compat}, {8, false, "void", number}, {9, false, "gone", number}, {11, false, "", "it has no name"}}
	if diff := cmp.Diff(wantBad, bad); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var login []string
	for _, u := range got {
		if u.CanLogIn() {
			login = append(login, u.Name)
		}
	}
	if s := strings.Join(login, " "); s != "root ann short signed" {
		t.Errorf("%s can log in", s)
	}
}

func TestGroups(t *testing.T) {
	got, bad := Groups([]byte("root:x:0:\nsudo:x:27:ann, bob,,\nopen::50:ann\nshut:!:51\nvoid:x::ann\n"))
	want := []Group{
		{Name: "root", Password: Password{State: Shadowed}, Line: 1},
		{Name: "sudo", Password: Password{State: Shadowed}, GID: 27, Members: []string{"ann", "bob"}, Line: 2},
		{Name: "open", Password: Password{State: Empty}, GID: 50, Members: []string{"ann"}, Line: 3},
		{Name: "shut", Password: Password{State: None}, GID: 51, Line: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(bad) != 1 || bad[0].Name != "void" {
		t.Errorf("got %+v", bad)
	}
}

func TestShadows(t *testing.T) {
	got, bad := Shadows([]byte("root:*:19000:0:99999:7:::\nann:$y$j9T$a$b:20000:1:90:14:30:20500:\nbob:!$6$a$b:-1::-5\ncid:\nvoid:x:soon::::::\n"))
	want := []Shadow{
		{"root", Password{State: None}, 19000, 0, 99999, 7, -1, -1, 1},
		{"ann", Password{Set, "yescrypt"}, 20000, 1, 90, 14, 30, 20500, 2},
		{"bob", Password{Locked, "sha512"}, -1, -1, -1, -1, -1, -1, 3},
		{"cid", Password{State: Empty}, -1, -1, -1, -1, -1, -1, 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(bad) != 1 || bad[0].Line != 5 {
		t.Errorf("got %+v", bad)
	}
}

// TestClassify: the hashes are those of "secret" and the like, made by mkpasswd(1).
func TestClassify(t *testing.T) {
	for field, want := range map[string]Password{
		"":       {State: Empty},
		"x":      {State: Shadowed},
		"*":      {State: None},
		"!":      {State: None},
		"!!":     {State: None},
		"!*":     {State: None},
		"*LK*":   {State: None},
		"NP":     {State: None},
		"secret": {State: None},
		"$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7": {Set, "yescrypt"},
		"$gy$j9T$x$y":       {Set, "gost-yescrypt"},
		"$7$CU..../....x$y": {Set, "scrypt"},
		"$2y$05$abcdefghijklmnopqrstuu5Lol7d0.u3nlSSrDPz2ENrfGLqNzkTK": {Set, "bcrypt"},
		"!$6$rounds=5000$x$y":                  {Locked, "sha512"},
		"!!$5$x$y":                             {Locked, "sha256"},
		"$1$abcd$efgh":                         {Set, "md5"},
		"$md5,rounds=4$x$y":                    {Set, "sunmd5"},
		"$sha1$40000$x$y":                      {Set, "sha1"},
		"$3$$8846f7eaee8fb117ad06bdd830b7586c": {Set, "nthash"},
		"_J9..rasmBYk8r9AiWNc":                 {Set, "bsdi"},
		"rl0uE2n.3JvlY":                        {Set, "des"},
		"$argon2id$v=19$x":                     {Set, "other"},
	} {
		if got := Classify(field); got != want {
			t.Errorf("%q: got %+v, want %+v", field, got, want)
		}
		strong := strings.Contains("yescrypt gost-yescrypt scrypt bcrypt sha512", want.Method) && want.Method != ""
		if got := Classify(field); got.Strong() != strong {
			t.Errorf("%q: strong %v", field, got.Strong())
		}
	}
}

// FuzzEntries: whatever the bytes, every line is an entry, a bad one, or a comment,
// and no name has a colon.
func FuzzEntries(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n")
	f.Add("a:b:1:2,3\n+::0:0:::\n#x\n\x00:x:1:1\n")
	f.Add("ann:!$6$a:1:2:3:4:5:6:7\n:::::::\n  \n-:")
	f.Fuzz(func(t *testing.T, data string) {
		lines := strings.Count(data, "\n") + 1
		users, b1 := Users([]byte(data))
		groups, b2 := Groups([]byte(data))
		shadows, b3 := Shadows([]byte(data))
		if len(users)+len(b1) > lines || len(groups)+len(b2) > lines || len(shadows)+len(b3) > lines {
			t.Errorf("more entries than %d lines", lines)
		}
		for _, u := range users {
			if u.Name == "" || strings.ContainsAny(u.Name, ":\n") || u.UID < 0 || u.Password.State == "" || u.Line < 1 || u.Line > lines {
				t.Errorf("%+v", u)
			}
		}
		for _, s := range shadows {
			if s.Changed < -1 || s.Expire < -1 || s.Name == "" {
				t.Errorf("%+v", s)
			}
		}
	})
}
