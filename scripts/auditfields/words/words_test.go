package words

import (
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"0100644": "file,644", "040755": "dir,755", "0104755": "file,suid,755", "041777": "dir,sticky,777", "020620": "character,620",
		"0140777": "socket,777", "0120777": "link,777", "010600": "fifo,600", "060660": "block,660",
	} {
		if got := Mode(text); got != want {
			t.Errorf("mode %s: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{"3": "3", "-2": "ENOENT(", "-9999": "-9999", "x": "x"} {
		if got := Exit(text); len(got) != 1 || got[0] != want {
			t.Errorf("exit %s: %s, want %s", text, got, want)
		}
	}
	if got := Escape("a\nb\x00c\xff"); got != "a\\012b" {
		t.Errorf("escaped %q", got)
	}
	if said, _ := Addresses("\x02\x00\x00\x16\x7f\x00\x00\x01"); !strings.Contains(said[0], "laddr=127.0.0.1 lport=22") {
		t.Errorf("address %q", said)
	}
}
