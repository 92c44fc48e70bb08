package secrets

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

const (
	token = "glpat-k9Xv2QmT7bLw4ZrP0sYc"
	key   = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEo4kXv2QmT7bLw4ZrP0sYcNq8d3Jt5Hf6Gb1WzUyEx\n-----END PRIVATE KEY-----\n"
)

// host makes a root with a host's files; "mode name" sets a mode, "@target" a link.
func host(t *testing.T, files map[string]string) (fact.Env, string) {
	t.Helper()
	base := map[string]string{
		"/etc/passwd": "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n",
		"/etc/group":  "root:x:0:\nann:x:1000:bob\nbob:x:1001:\n",
	}
	for name, content := range files {
		base[name] = content
	}
	root := image.Exact(t, base)
	return fact.Env{Root: root, Now: time.Now}, root.Path("")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lines shows leaks, files and what lies in web roots.
func lines(f Facts) []string {
	all := []string{}
	for _, l := range f.Leaks {
		s := fmt.Sprintf("%s %s:%d %s", l.Place, l.File, l.Line, l.Kind)
		if l.More > 0 {
			s += fmt.Sprintf(" +%d", l.More)
		}
		if l.Open {
			s += " open"
		}
		all = append(all, s)
	}
	for _, x := range f.Files {
		all = append(all, fmt.Sprintf("%s %s open=%v", x.Kind, x.Path, x.Open))
	}
	for _, w := range f.Web {
		all = append(all, fmt.Sprintf("web %s %s denied=%v", w.Kind, w.Path, w.Denied))
	}
	slices.Sort(all)
	return all
}

func TestRead(t *testing.T) {
	env, dir := host(t, map[string]string{
		"600 /root/.bash_history":                      "ls\nmysql -u root -pTr0ub4dor3\nexport TOKEN=" + token + "\n",
		"/home/ann/deploy.sh":                          "#!/bin/sh\ncurl -H 'PRIVATE-TOKEN: " + token + "' https://git.lan/\n",
		"/home/ann/.aws/credentials":                   "[default]\n",
		"600 /home/bob/.pgpass":                        "x\n",
		"/home/ann/.npmrc":                             "x\n",
		"600 /home/ann/.ssh/id_ed25519":                key,
		"/home/ann/.ssh/id_ed25519.pub":                token,
		"/home/ann/app/node_modules/x/config.json":     token,
		"/home/ann/a/b/c/d/e/deep.sh":                  token,
		"/home/ann/photo.jpg":                          token,
		"/home/ann/app/.git/config":                    "\turl = https://ann:Tr0ub4dor3@git.lan/app.git\n",
		"/home/bob/.env":                               "DB_PASSWORD=Tr0ub4dor3\n",
		"/home/bob/.env.example":                       "DB_PASSWORD=Tr0ub4dor3\n",
		"/srv/shop/docker-compose.yml":                 "    environment:\n      POSTGRES_PASSWORD: Tr0ub4dor3\n",
		"600 /opt/app/tls.key":                         key,
		"/etc/environment":                             "PATH=/bin\nAPI_KEY=k9Xv2QmT7bLw4ZrP\n",
		"/etc/default/shop":                            "OPTIONS='--password=Tr0ub4dor3'\n",
		"600 /etc/shop.env":                            "DB_PASSWORD=Tr0ub4dor3\n",
		"/etc/profile.d/x.sh":                          "export DB_PASSWORD=Tr0ub4dor3\n",
		"/etc/cron.d/dump":                             "0 3 * * * root mysqldump -pTr0ub4dor3 shop\n",
		"/etc/systemd/system/shop.service":             "[Service]\nEnvironment=\"DB_PASSWORD=Tr0ub4dor3\" A=b\nEnvironmentFile=-/etc/shop.env\n",
		"/etc/systemd/system/shop.service.d/10.conf":   "[Service]\nExecStart=\nExecStart=/bin/shop --token=k9Xv2QmT7bLw4ZrP\n",
		"600 /var/lib/cloud/instances/7/user-data.txt": "#!/bin/sh\nexport PGPASSWORD=Tr0ub4dor3\n",
		"/var/lib/cloud/instance":                      "@instances/7",
	})
	must(t, os.Chmod(filepath.Join(dir, "home/bob"), 0o700))
	f := Read(context.Background(), env)
	want := []string{
		"app /home/bob/.env:1 password in a setting",
		"app /opt/app/tls.key:1 private key",
		"app /srv/shop/docker-compose.yml:2 password in a setting open",
		"cloud /home/ann/.aws/credentials open=true",
		"cron /etc/cron.d/dump:1 password in a command open",
		"database /home/bob/.pgpass open=false",
		"developer /home/ann/.npmrc open=true",
		"environment /etc/default/shop:1 password in a setting open",
		"environment /etc/environment:2 secret in a setting open",
		"environment /etc/shop.env:1 password in a setting",
		"history /root/.bash_history:2 password in a command +1",
		"home /home/ann/.ssh/id_ed25519:1 private key",
		"home /home/ann/app/.git/config:1 password in a URL open",
		"home /home/ann/deploy.sh:2 token of GitLab open",
		"startup /etc/profile.d/x.sh:1 password in a setting open",
		"unit /etc/systemd/system/shop.service.d/10.conf:3 secret in a setting open",
		"unit /etc/systemd/system/shop.service:2 password in a setting open",
		"user_data /var/lib/cloud/instance/user-data.txt:2 password in a setting",
	}
	if diff := cmp.Diff(want, lines(f)); diff != "" {
		t.Error(diff)
	}
	if f.Meta.State != fact.StateKnown || !f.Searched.Known || f.Searched.Cut != "" || len(f.Searched.Homes) != 3 {
		t.Errorf("%+v, searched %+v", f.Meta, f.Searched)
	}
	// No byte of a secret is kept.
	b, err := json.Marshal(f)
	must(t, err)
	for _, secret := range []string{"Tr0ub4dor3", token, "MC4CAQ", "k9Xv2QmT"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the facts hold %q", secret)
		}
	}
}

func TestWeb(t *testing.T) {
	files := map[string]string{
		"/etc/nginx/nginx.conf":      "http { server { root /srv/site/public; location ~ /\\.git { deny all; } } }\nevents {}\n",
		"/srv/site/public/.git/HEAD": "ref\n", "/srv/site/public/shop.sql": "x\n", "/srv/site/public/.env": "MODE=live\n",
		"/srv/site/public/site.key": key, "/srv/site/public/config.json": token + "\n", "/srv/site/public/index.php": token,
		"/srv/site/.env": "DB_PASSWORD=Tr0ub4dor3\n",
	}
	env, _ := host(t, files)
	f := Read(context.Background(), env)
	want := []string{
		"app /srv/site/.env:1 password in a setting open",
		"web /srv/site/public/config.json:1 token of GitLab open",
		"web /srv/site/public/site.key:1 private key open",
		"web backup /srv/site/public/shop.sql denied=false",
		"web git /srv/site/public/.git denied=true",
		"web settings /srv/site/public/.env denied=false",
	}
	if diff := cmp.Diff(want, lines(f)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(f.Searched.WebRoots, []string{"/srv/site/public"}) {
		t.Errorf("%q", f.Searched.WebRoots)
	}
}

// TestHostile: what is no file, has no end or is a ring of links neither stops nor
// stalls the search, and what was left out is said.
func TestHostile(t *testing.T) {
	env, dir := host(t, map[string]string{
		"/etc/passwd": "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\neve:x:1002:1002::/home/eve:/bin/bash\nmad:x:1003:1003::/:/bin/bash\n",
		"/home/ann/x": "y", "/home/eve": "@eve", "/home/ann/loop": "@loop",
		"/home/ann/\xff\n.sh": token, "/home/ann/long.sh": strings.Repeat("a=", 100<<10),
		"/home/ann/.zsh_history": strings.Repeat("x", maxHistory+1),
	})
	must(t, unix.Mkfifo(filepath.Join(dir, "home/ann/.bash_history"), 0o600))
	must(t, os.MkdirAll(filepath.Join(dir, "home/ann/many"), 0o755))
	f := Read(context.Background(), env)
	if got := lines(f); len(got) != 1 || !strings.Contains(got[0], "token of GitLab") || !strings.Contains(got[0], `\xff`) {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(f.Searched.Cut, ".zsh_history") {
		t.Errorf("cut: %q", f.Searched.Cut)
	}
	for i := range maxFiles + 1 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("home/ann/many/%d.sh", i)), []byte("x"), 0o600))
	}
	if f = Read(context.Background(), env); f.Searched.Files > maxFiles || f.Searched.Cut == "" {
		t.Errorf("%+v", f.Searched)
	}
}

// TestBounds: what is not searched or listed is said, and nothing else.
func TestBounds(t *testing.T) {
	many := func(name, text string) func(n int) map[string]string {
		return func(n int) map[string]string {
			files := map[string]string{}
			for i := range n {
				files[fmt.Sprintf(name, i)] = text
			}
			return files
		}
	}
	users := func(n int, file string) map[string]string {
		files, passwd := map[string]string{}, ""
		for i := range n {
			passwd += fmt.Sprintf("u%d:x:%d:100::/h/%d:/bin/sh\n", i, i+1000, i)
			files[fmt.Sprintf("/h/%d/%s", i, file)] = "x"
		}
		files["/etc/passwd"] = passwd
		return files
	}
	for name, tt := range map[string]struct {
		most  int
		files func(n int) map[string]string
		want  string
	}{
		"cron.d":   {maxUnits, many("/etc/cron.d/%d", ""), "/etc/cron.d has more"},
		"units":    {maxUnits, many(unitDir+"/%d.service", ""), unitDir + " has more"},
		"drop-ins": {maxAdded, many(unitDir+"/x.service.d/%d.conf", ""), ".service.d has more"},
		"leaks":    {maxLeaks, many("/opt/%d.pem", key), "more secrets than"},
		"homes":    {maxHomes, func(n int) map[string]string { return users(n, "x") }, "more homes than"},
		"a unit": {maxFile, func(n int) map[string]string {
			return map[string]string{unitDir + "/x.service": strings.Repeat("\n", n)}
		}, "x.service"},
		"in the web": {maxLeaks, func(n int) map[string]string {
			files := many("/var/www/html/%d.sql", "x")(n)
			files["/etc/nginx/nginx.conf"] = "http { root /var/www/html; }"
			return files
		}, "in web sites than"},
	} {
		for more, want := range []string{"", tt.want} {
			env, _ := host(t, tt.files(tt.most+more))
			if got := Read(t.Context(), env).Searched.Cut; !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("%s, %d more: %q, want %q", name, more, got, want)
			}
		}
	}
}

func TestUnread(t *testing.T) {
	root, err := hostfs.Open(t.TempDir())
	must(t, err)
	if f := Read(context.Background(), fact.Env{Root: root, Now: time.Now}); f.Meta.State != fact.StateUnknown || f.Searched.Known {
		t.Errorf("%+v", f)
	}
}
