package option

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"seawall/pkg/sshdconf/argument"
)

// apply gives a set the lines of text, all active.
func apply(t *testing.T, s *Set, text string) {
	t.Helper()
	for i, l := range strings.Split(text, "\n") {
		words := strings.Fields(l)
		line := Line{Keyword: words[0], Args: words[1:], Rest: strings.Join(words[1:], " "), Source: Source{File: "f", Line: i + 1, Raw: l}}
		if err := s.Apply(line, true); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
	}
}

func TestWhichLineCounts(t *testing.T) {
	s := NewSet(902)
	apply(t, s, `MaxAuthTries 3
maxauthtries 4
Port 22
PORT 2222
FingerprintHash md5
FingerprintHash sha512
ChallengeResponseAuthentication no
KbdInteractiveAuthentication yes
AllowUsers a b
AllowUsers c
UnusedConnectionTimeout 60
UnusedConnectionTimeout none
RekeyLimit 1K
RekeyLimit 2K 60
MaxStartups 5:50:10
MaxStartups 10`)
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	got := s.Settings()
	for keyword, want := range map[string]string{
		"maxauthtries":                 "3 @1",
		"port":                         "22 2222 @3",
		"fingerprinthash":              "SHA512 @6",
		"kbdinteractiveauthentication": "no @7",
		"allowusers":                   "a b c @9",
		"unusedconnectiontimeout":      "none @12",
		"rekeylimit":                   "1024 60 @13",
		"maxstartups":                  "10:50:10 @16",
		"passwordauthentication":       "yes @0",
		"listenaddress":                "[::]:22 0.0.0.0:22 [::]:2222 0.0.0.0:2222 @3",
	} {
		v := got[keyword]
		text := strings.Join(v.Values, " ") + " @" + string(rune('0'+v.Line%10))
		if v.Line > 9 {
			text = strings.Join(v.Values, " ") + " @1" + string(rune('0'+v.Line%10))
		}
		if text != want || v.Set != (v.Line > 0) {
			t.Errorf("%s: %s (set %v), want %s", keyword, text, v.Set, want)
		}
	}
	if _, there := got["denyusers"]; there {
		t.Error("DenyUsers is there though nothing sets it")
	}
}

func TestBlocksOverride(t *testing.T) {
	global, blocks := NewSet(902), NewSet(902)
	apply(t, global, "PermitRootLogin no\nAllowUsers a\nAllowUsers b\nUsePAM yes\nRekeyLimit 1K 60")
	apply(t, blocks, "PermitRootLogin yes\nAllowUsers c\nUsePAM no\nRekeyLimit 2K")
	before := global.Clone()
	global.Override(blocks)
	for keyword, want := range map[string]string{
		"permitrootlogin": "yes", "allowusers": "c", "usepam": "yes", "rekeylimit": "2048 60",
	} {
		if got := strings.Join(global.Settings()[keyword].Values, " "); got != want {
			t.Errorf("%s: %s, want %s", keyword, got, want)
		}
	}
	if got := before.Settings()["permitrootlogin"].Values[0]; got != "no" {
		t.Errorf("a clone changed to %s", got)
	}
}

func TestLookup(t *testing.T) {
	for keyword, want := range map[string]Kind{
		"PermitRootLogin":        {Name: "permitrootlogin", InMatch: true},
		"Port":                   {Name: "port"},
		"PubkeyAcceptedKeyTypes": {Name: "pubkeyacceptedalgorithms", InMatch: true},
		"DSAAuthentication":      {Name: "pubkeyauthentication"},
		"UseLogin":               {Name: "uselogin", Ignored: true},
		"RSAAuthentication":      {Name: "rsaauthentication", Ignored: true, InMatch: true},
		"Match":                  {Name: "match", InMatch: true},
	} {
		if got, ok := Lookup(keyword, 902); !ok || got != want {
			t.Errorf("%s: %+v, %v; want %+v", keyword, got, ok, want)
		}
	}
	if _, ok := Lookup("RefuseConnection", 902); ok {
		t.Error("9.2 knows a keyword of 9.9")
	}
	if _, ok := Lookup("RefuseConnection", 909); !ok {
		t.Error("9.9 does not know its own keyword")
	}
}

func TestErrors(t *testing.T) {
	for line, want := range map[string]bool{ // soft or not
		"PermitRootLogin yes yes":   true,
		"PubkeyAuthOptions nosuch":  true,
		"PermitRootLogin sometimes": false,
		"MaxAuthTries -1":           false,
	} {
		words := strings.Fields(line)
		err := NewSet(902).Apply(Line{Keyword: words[0], Args: words[1:]}, false)
		var refused *argument.Error
		if !errors.As(err, &refused) || refused.Soft != want {
			t.Errorf("%s: %v, soft should be %v", line, err, want)
		}
	}
}

func TestLaterKex(t *testing.T) {
	line := Line{Keyword: "KexAlgorithms", Args: []string{"mlkem768x25519-sha256,curve25519-sha256"}}
	if err := NewSet(902).Apply(line, true); err == nil {
		t.Error("9.2 knows an algorithm of 9.9")
	}
	s := NewSet(909)
	if err := s.Apply(line, true); err != nil || s.Settings()["kexalgorithms"].Values[0] != line.Args[0] {
		t.Errorf("%v, %v", err, s.Settings()["kexalgorithms"])
	}
}

func TestFinish(t *testing.T) {
	for _, text := range []string{
		"AuthorizedKeysCommand /bin/keys",
		"AuthenticationMethods hostbased",
		"PasswordAuthentication no\nAuthenticationMethods publickey,password password",
		"HostKeyAlgorithms !ssh-rsa",
	} {
		s := NewSet(902)
		apply(t, s, text)
		if err := s.Finish(); err == nil {
			t.Errorf("%q passes", text)
		}
	}
}

// An inactive line is checked and has no effect, whatever the keyword.
func TestInactiveLinesHaveNoEffect(t *testing.T) {
	want := NewSet(902).Settings()
	for name := range table().specs {
		for _, arg := range []string{"yes", "no", "1", "/x", "none", "ssh-rsa", "any"} {
			s := NewSet(902)
			_ = s.Apply(Line{Keyword: name, Args: []string{arg}, Rest: arg}, false)
			for keyword, v := range s.Settings() {
				if !slices.Equal(v.Values, want[keyword].Values) {
					t.Errorf("inactive %s %s sets %s to %q", name, arg, keyword, v.Values)
				}
			}
		}
	}
}
