package method

import (
	"strings"
	"testing"
)

func TestBad(t *testing.T) {
	for list, good := range map[string]bool{
		"publickey": true, "publickey,password": true, "keyboard-interactive:pam": true, "none": true,
		"": false, "any": false, "publickey,": false, "pubkey": false,
	} {
		if said := Bad(list); (said == "") != good {
			t.Errorf("%q: %q", list, said)
		}
	}
}

func TestDisabled(t *testing.T) {
	value := func(keyword string) string {
		if keyword == "pubkeyauthentication" || keyword == "kbdinteractiveauthentication" {
			return "yes"
		}
		return "no"
	}
	for lists, good := range map[string]bool{
		"any": true, "publickey": true, "password publickey": true, "publickey,keyboard-interactive:pam": true, "none": true,
		"password": false, "publickey,password hostbased": false,
	} {
		said := Disabled(strings.Fields(lists), value)
		if (said == "") != good || !good && strings.Count(said, "\n") != len(strings.Fields(lists)) {
			t.Errorf("%s: %q", lists, said)
		}
	}
}
