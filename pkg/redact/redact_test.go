package redact

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// hidden lists command lines that hold the word S3cr3t, or a token listed with
// them, which must not come out; kept must.
func hidden() []struct{ line, secret, kept string } {
	const s = "S3cr3tValue"
	// Tokens are put together here so that no scanner takes this file for a leak.
	jwt := "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0.c2lnbmF0dXJl"
	aws := "AKIA" + "IOSFODNN7EXAMPLE"
	return []struct{ line, secret, kept string }{
		{"mysql -uroot -pS3cr3tValue db", s, "-uroot"},
		{"mysql --password=S3cr3tValue db", s, "--password="},
		{"mysql --password S3cr3tValue db", s, "db"},
		{"/usr/bin/mysqldump -pS3cr3tValue --all-databases", s, "--all-databases"},
		{"mysqladmin -u root password S3cr3tValue", s, "root"},
		{"mariadb -pS3cr3tValue", s, "mariadb"},
		{"sudo mysql -pS3cr3tValue", s, "mysql"},
		{"env MYSQL_PWD=S3cr3tValue mysql", s, "MYSQL_PWD="},
		{"PGPASSWORD=S3cr3tValue psql -h db", s, "-h db"},
		{"sshpass -p S3cr3tValue ssh host", s, "ssh host"},
		{"sshpass -pS3cr3tValue ssh host", s, "ssh host"},
		{"curl -u admin:S3cr3tValue https://x/", s, "admin:"},
		{"sudo -n curl -u admin:S3cr3tValue https://x/", s, "admin:"},
		{"curl -uadmin:S3cr3tValue https://x/", s, "admin:"},
		{"curl --user admin:S3cr3tValue https://x/", s, "admin:"},
		{"curl --proxy-user=admin:S3cr3tValue https://x/", s, "admin:"},
		{"curl https://admin:S3cr3tValue@host/path", s, "@host/path"},
		{"git clone https://S3cr3tValueS3cr3tValue@github.com/a/b", s, "github.com/a/b"},
		{"psql postgres://app:S3cr3tValue@db:5432/app?sslmode=require", s, "@db:5432/app"},
		{"redis-cli -u redis://:S3cr3tValue@cache:6379", s, "cache:6379"},
		{"redis-cli -a S3cr3tValue ping", s, "ping"},
		{`curl -H "Authorization: Bearer S3cr3tValue" https://x/`, s, "Bearer"},
		{`curl -H 'Authorization: Basic S3cr3tValue' https://x/`, s, "Basic"},
		{`curl -H 'Authorization: S3cr3tValue' https://x/`, s, "https://x/"},
		{`curl -H "authorization: token S3cr3tValue" https://x/`, s, "token"},
		{`curl -H "X-Api-Key: S3cr3tValue" https://x/`, s, "X-Api-Key"},
		{`curl -H "PRIVATE-TOKEN: S3cr3tValue" https://x/`, s, "PRIVATE-TOKEN"},
		{`curl -H "Cookie: session=S3cr3tValue; b=1" https://x/`, s, "Cookie"},
		{`curl -d '{"user":"a","password":"S3cr3tValue"}' https://x/`, s, `"user":"a"`},
		{`curl -d '{"api_key": "S3cr3tValue"}' https://x/`, s, "api_key"},
		{"curl -d password=S3cr3tValue https://x/", s, "password="},
		{"curl https://x/?token=S3cr3tValue&a=b", s, "a=b"},
		{"curl https://x/?a=b&access_token=S3cr3tValue", s, "a=b"},
		{"curl https://x.blob/?sv=1&sig=S3cr3tValue", s, "sv=1"},
		{"app --token S3cr3tValue run", s, "run"},
		{"app --auth-token=S3cr3tValue run", s, "run"},
		{"app --api-key S3cr3tValue run", s, "run"},
		{"app --client_secret S3cr3tValue run", s, "run"},
		{"app -token S3cr3tValue run", s, "run"},
		{"app --Password S3cr3tValue run", s, "run"},
		{"app --passphrase S3cr3tValue run", s, "run"},
		{"AWS_SECRET_ACCESS_KEY=S3cr3tValue aws s3 ls", s, "aws s3 ls"},
		{"aws configure set aws_secret_access_key S3cr3tValue", s, "configure"},
		{"env GITHUB_TOKEN=S3cr3tValue gh pr list", s, "gh pr list"},
		{"docker login -u me -p S3cr3tValue registry", s, "registry"},
		{"docker run -e DB_PASSWORD=S3cr3tValue image", s, "image"},
		{"openssl rsa -passin pass:S3cr3tValue -in k", s, "-in k"},
		{"openssl enc -k x -pass pass:S3cr3tValue", s, "enc"},
		{"keytool -storepass S3cr3tValue -list", s, "-list"},
		{"zip -P S3cr3tValue a.zip f", s, "a.zip"},
		{"7z x -pS3cr3tValue a.7z", s, "a.7z"},
		{"ldapsearch -x -w S3cr3tValue -b dc=x", s, "-b dc=x"},
		{"smbclient //host/share -U me%S3cr3tValue", s, "me%"},
		{"sqlcmd -S host -P S3cr3tValue", s, "-S host"},
		{"useradd -p S3cr3tValue bob", s, "bob"},
		{"mysql -e \"CREATE USER a IDENTIFIED BY 'S3cr3tValue'\"", s, "CREATE USER"},
		{"wpa_cli psk=S3cr3tValue", s, "psk="},
		{"sh -c 'mysql -pS3cr3tValue db'", s, "db"},
		{"sh -c 'cd /x; PGPASSWORD=S3cr3tValue psql'", s, "cd /x"},
		{"bash -c \"export TOKEN='S3cr3tValue' && run\"", s, "run"},
		{"echo password: S3cr3tValue", s, "echo"},
		{"printf password = S3cr3tValue", s, "printf"},
		{"run " + jwt, jwt[4:], "run"},
		{"run --x=" + jwt, jwt[4:], "--x="},
		{"run " + aws + " x", aws, "x"},
		{"run ghp_" + strings.Repeat("a1", 18), "a1a1a1a1", "run"},
		{"run github_pat_" + strings.Repeat("a1", 18), "a1a1a1a1", "run"},
		{"run glpat-" + strings.Repeat("a1", 10), "a1a1a1a1", "run"},
		{"run xoxb-" + strings.Repeat("12", 10), "12121212", "run"},
		{"run dop_v1_" + strings.Repeat("a1", 32), "a1a1a1a1", "run"},
		{"run sk_live_" + strings.Repeat("a1", 12), "a1a1a1a1", "run"},
		{"run hvs." + strings.Repeat("a1", 12), "a1a1a1a1", "run"},
		{"run AIza" + strings.Repeat("a1", 18), "a1a1a1a1", "run"},
		{"echo '-----BEGIN RSA PRIVATE KEY-----\nS3cr3tValue\n-----END RSA PRIVATE KEY-----' x", s, "BEGIN RSA PRIVATE KEY"},
		{"echo '-----BEGIN OPENSSH PRIVATE KEY-----\nS3cr3tValue", s, "echo"},
	}
}

// split makes arguments of a line as a shell would; quotes in the middle of a
// word are not needed here.
func split(line string) []string {
	var args []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		end := " "
		if line[0] == '\'' || line[0] == '"' {
			end, line = line[:1], line[1:]
		}
		arg, rest, _ := strings.Cut(line, end)
		args, line = append(args, arg), rest
	}
	return args
}

func TestHidden(t *testing.T) {
	seeds := hidden()
	if len(seeds) < 50 {
		t.Errorf("%d seeds", len(seeds))
	}
	for _, tt := range seeds {
		for name, got := range map[string]string{
			"command": Command([]byte(strings.Join(split(tt.line), "\x00"))),
			"text":    Text(tt.line),
		} {
			if strings.Contains(got, tt.secret) || !strings.Contains(got, Mark) {
				t.Errorf("%s: %s\nshows the secret: %s", name, tt.line, got)
			}
			if !strings.Contains(got, tt.kept) {
				t.Errorf("%s: %s\nlost %q: %s", name, tt.line, tt.kept, got)
			}
		}
	}
}

func TestUntouched(t *testing.T) {
	for _, line := range []string{
		"sed -i s/PasswordAuthentication.*/PasswordAuthentication/ /etc/ssh/sshd_config",
		"vi /etc/ssh/sshd_config.d/50-cloud.conf",
		"cp -p a b", "mkdir -p /etc/x/y", "ls -la /root", "ssh -p 2222 host", "git commit -m msg", "tar -xpf a.tar",
		"docker ps -a", "PWD=/root ls", "curl https://example.org/a?b=c", "passwd root", "chage -l root",
		"mysql -p db", "app --password-file /etc/secret", "systemctl restart ssh.service", "cat /etc/passwd",
		"dpkg-reconfigure openssh-server", "ssh-keygen -t ed25519 -f key", "python3 -m http.server",
	} {
		if got := Command([]byte(strings.ReplaceAll(line, " ", "\x00"))); strings.Contains(got, Mark) {
			t.Errorf("%s became %s", line, got)
		}
	}
}

func TestQuote(t *testing.T) {
	if got := Command(nil) + Command([]byte{}); got != "" {
		t.Errorf("no command is %q", got)
	}
	got := Command([]byte("sh\x00-c\x00echo it's; ls\x00\x00$HOME"))
	if want := `sh -c 'echo it'\''s; ls' '' '$HOME'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBounded(t *testing.T) {
	got := Command([]byte("x\x00" + strings.Repeat("a\x00", 1<<20)))
	if len(got) > 2*maxCommand || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzCommand(f *testing.F) {
	for _, tt := range hidden() {
		f.Add([]byte(tt.line))
		f.Add([]byte(strings.ReplaceAll(tt.line, " ", "\x00")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := Command(raw)
		if utf8.Valid(raw) && !utf8.ValidString(got) {
			t.Errorf("%q became invalid: %q", raw, got)
		}
		// An option's own secret never comes out.
		const secret = "Zq9Zq9Zq9"
		with := append([]byte("app\x00--password\x00"+secret+"\x00"), raw...)
		if !strings.Contains(string(raw), "Zq9") && strings.Contains(Command(with), secret) {
			t.Errorf("%q shows it", with)
		}
	})
}

// TestImage: of a name that begins with a user and a password both are hidden, and a
// digest is neither.
func TestImage(t *testing.T) {
	for name, want := range map[string]string{
		"nginx": "nginx", "reg.lan:5000/a/b:1": "reg.lan:5000/a/b:1", "ann:secret@reg.lan/a": Mark + "@reg.lan/a", "ann:secret@reg.lan": Mark + "@reg.lan",
		"reg.lan:5000@sha256:00": "reg.lan:5000@sha256:00", "reg.lan/a@sha256:00": "reg.lan/a@sha256:00", "ann@reg.lan": "ann@reg.lan",
	} {
		if got := Image(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func BenchmarkCommand(b *testing.B) {
	raw := []byte("sed\x00-i\x00s/PermitRootLogin.*/PermitRootLogin no/\x00/etc/ssh/sshd_config")
	for b.Loop() {
		_ = Command(raw)
	}
}

// TestOwnWords: a name with one of the words is that of a secret wherever names are
// looked at, and to others it is not.
func TestOwnWords(t *testing.T) {
	r := New("Vault_Key", "zz.pin")
	for line, want := range map[string]string{
		"app --vault-key abc1":                  "app --vault-key ***",
		"app MY_VAULT_KEY=abc1 run":             "app MY_VAULT_KEY=*** run",
		"curl http://h/?a=1&vault_key=abc1":     "curl 'http://h/?a=1&vault_key=***'",
		`app {"vault-key":"abc1","name":"ann"}`: `app '{"vault-key":"***","name":"ann"}'`,
		"app --zz.pin abc1 --zzopin abc2":       "app --zz.pin *** --zzopin abc2",
		"mysql -pabc1 --password abc1":          "mysql -p*** --password ***",
	} {
		raw := []byte(strings.ReplaceAll(line, " ", "\x00"))
		if got := r.Command(raw); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if !strings.Contains(line, "mysql") && !strings.Contains(Command(raw), "abc1") {
			t.Errorf("%s: hidden for all", line)
		}
	}
}
