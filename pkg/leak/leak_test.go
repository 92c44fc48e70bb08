package leak

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hex and mix are characters that no maker gave to anybody.
func hex(n int) string { return repeat("9f3c07a1be52d864", n) }
func mix(n int) string { return repeat("k9Xv2QmT7bLw4ZrP0sYc", n) }

func repeat(s string, n int) string { return strings.Repeat(s, n/len(s)+1)[:n] }

func show(l []Leak) string {
	var b strings.Builder
	for _, f := range l {
		fmt.Fprintf(&b, "%d %s", f.Line, f.Kind)
		if f.Encrypted {
			b.WriteString(" (encrypted)")
		}
		b.WriteString("; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// TestForms: a token of each form is found, one that is a character short or long
// is not.
func TestForms(t *testing.T) {
	for _, f := range forms {
		body := mix(f.min)
		switch {
		case f.alphabet == "hex":
			body = hex(f.min)
		case f.alphabet == "upper":
			body = strings.ToUpper(mix(f.min))
		case f.prefix == "SG.":
			body = mix(22) + "." + mix(43)
		}
		word := f.prefix + body
		if got := show(Scan([]byte("x\nt="+word+"\n"), 0)); got != "2 "+f.kind {
			t.Errorf("%s: got %q", f.prefix, got)
		}
		for _, bad := range []string{word[:len(word)-1], "a" + word, f.prefix + strings.Repeat("a", f.min), strings.ToUpper(word) + "_"} {
			if got := show(Scan([]byte(bad), 0)); got != "" {
				t.Errorf("%s: got %q of %q", f.prefix, got, bad)
			}
		}
		if f.max > 0 {
			if got := Scan([]byte(f.prefix+repeat(body, f.max+1)), 0); len(got) > 0 {
				t.Errorf("%s: one of %d characters is found", f.prefix, f.max+1)
			}
		}
	}
}

func TestScan(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://app:Tr0ub4dor@db.lan/app":                            "1 password in a URL",
		"https://user@host/ https://host:443/@x ftp://a:$PASS@h":         "",
		"see http://user:password@host/ and x://a:<pw>@b":                "",
		"git@host:path redis://:s3cr4tWord@10.0.0.2:6379":                "1 password in a URL",
		"DB_PASSWORD=Tr0ub4dor&3":                                        "1 password in a setting",
		"DB_PASSWORD=$OTHER\nDB_PASSWORD=\nDB_PASSWORD=changeme1":        "",
		"export API_KEY='" + mix(32) + "'":                               "1 secret in a setting",
		"secret_key_base: " + hex(64):                                    "1 secret in a setting",
		`{"user": "a", "client_secret": "` + mix(24) + `"}`:              "1 secret in a setting",
		"TOKEN_FILE=/run/secrets/token1\nSECRET_ID=" + mix(20):           "",
		"# DB_PASSWORD=Tr0ub4dor&3\n; password = Tr0ub4dor&3":            "",
		"password: /etc/x1Password\npassword = requisite pam_unix.so":    "",
		"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "",
		"aws_secret_access_key = " + mix(40):                             "1 secret in a setting",
		"sshpass -p Tr0ub4dor ssh root@h":                                "1 password in a command",
		"mysqldump -uroot -pTr0ub4dor db":                                "1 password in a command",
		"mysql -uroot -p db\nmkdir -p Tr0ub4dor":                         "",
		"curl -u ann:Tr0ub4dor https://h/":                               "1 password in a command",
		"docker run -p 8080:80 x\ncurl -u ann https://h/":                "",
		"docker login -u ann -p Tr0ub4dor":                               "1 password in a command",
		"echo 'bob:Tr0ub4dor' | chpasswd":                                "1 password in a command",
		"app --password Tr0ub4dor --x\napp --password-file x":            "1 password in a command",
		"app --api-key=" + mix(20):                                       "1 secret in a setting",
		"echo $PW | chpasswd; app --password \"$PW\"":                    "",
		"PGPASSWORD=Tr0ub4dor psql":                                      "1 password in a setting",
	} {
		if got := show(Scan([]byte(in), Settings|Commands)); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", in, got, want)
		}
	}
}

// TestKeys: the keys of the real programs.
func TestKeys(t *testing.T) {
	dir := t.TempDir()
	for i, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"}, "1 private key of OpenSSH"},
		{[]string{"ssh-keygen", "-q", "-t", "ed25519", "-N", "words of a song", "-f"}, "1 private key of OpenSSH (encrypted)"},
		{[]string{"ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-m", "PEM", "-N", "", "-f"}, "1 private key"},
		{[]string{"ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-m", "PEM", "-N", "words of a song", "-f"}, "1 private key (encrypted)"},
		{[]string{"openssl", "genpkey", "-algorithm", "ed25519", "-out"}, "1 private key"},
		{[]string{"openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:words", "-out"}, "1 private key (encrypted)"},
	} {
		name := filepath.Join(dir, fmt.Sprint(i))
		if out, err := exec.Command(tt.args[0], append(tt.args[1:], name)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", tt.args, err, out)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(Scan(b, 0)); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.args, got, tt.want)
		}
		inJSON := `{"private_key": "` + strings.ReplaceAll(string(b), "\n", `\n`) + `"}`
		if got := show(Scan([]byte(inJSON), 0)); got != tt.want {
			t.Errorf("%v in JSON: got %q, want %q", tt.args, got, tt.want)
		}
	}
	for _, none := range []string{"-----BEGIN PRIVATE KEY-----\n…\n", "grep -----BEGIN RSA PRIVATE KEY----- file\n", "-----BEGIN CERTIFICATE-----\n" + mix(64),
		"-----BEGIN PRIVATE KEY-----", "PuTTY-User-Key-File-2: x"} {
		if got := show(Scan([]byte(none), 0)); got != "" {
			t.Errorf("%q: got %q", none, got)
		}
	}
	putty := "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: %s\n"
	if got := show(Scan(fmt.Appendf(nil, putty, "aes256-cbc"), 0)) + show(Scan(fmt.Appendf(nil, putty, "none"), 0)); got != "1 private key of PuTTY (encrypted)1 private key of PuTTY" {
		t.Errorf("got %q", got)
	}
}

// TestBounds: neither the length of a line nor the number of secrets costs more
// than its share.
func TestBounds(t *testing.T) {
	if got := Scan([]byte(strings.Repeat("glpat-"+mix(20)+"\n", 1000)), 0); len(got) != Limit {
		t.Errorf("%d leaks", len(got))
	}
	start := time.Now()
	for _, s := range []string{"=", "password=", "://", "://a:", "sk-", "-----BEGIN ", "ghp_a", "\xff", "\n", "curl -u a:", "dop_v1_"} {
		Scan([]byte(strings.Repeat(s, 1<<20/len(s))), Settings|Commands)
		Scan([]byte(strings.Repeat(s+"\n", 1<<20/len(s))), Settings|Commands)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestFalse: in a library of programs there is no token, and what looks like a key
// or a password in a URL is in a test or its data.
func TestFalse(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, dir := range []string{"net", "encoding", "cmd/go"} {
		err := filepath.WalkDir(filepath.Join(strings.TrimSpace(string(out)), "src", dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || strings.Contains(name, "test") || !strings.HasSuffix(name, ".go") {
				return err
			}
			b, err := os.ReadFile(name)
			files++
			if got := show(Scan(b, 0)); got != "" {
				t.Errorf("%s: %s", name, got)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("%d files were searched", files)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("DB_PASSWORD=Tr0ub4dor&3\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAA\n"), 3)
	f.Add([]byte("a://b:c@d curl -u a:b sshpass -p \"'\nSG."+mix(22)+"."+mix(43)), 3)
	f.Add([]byte("PuTTY-User-Key-File-2: x\nEncryption: none"), 0)
	f.Fuzz(func(t *testing.T, text []byte, mode int) {
		found := Scan(text, Mode(mode))
		lines := strings.Count(string(text), "\n") + 1
		last := 0
		for _, l := range found {
			if l.Line < last || l.Line < 1 || l.Line > lines || l.Kind == "" || l.Encrypted && !l.Key {
				t.Errorf("%+v of %d lines", l, lines)
			}
			last = l.Line
		}
		if len(found) > Limit {
			t.Errorf("%d leaks", len(found))
		}
	})
}
