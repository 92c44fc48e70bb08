package database

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"seawall/agent/facts/servers/answer"
	"seawall/agent/facts/servers/answertest"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// ask is a method that asks one file.
type ask func(*Answers, hostfs.Root, string) ([]string, error)

func redis(a *Answers, r hostfs.Root, file string) ([]string, error) {
	return a.Redis(r, "redis", file)
}

func memcachedOf(a *Answers, r hostfs.Root, file string) ([]string, error) {
	return a.Memcached(r, "/none", file)
}

func elastic(a *Answers, r hostfs.Root, file string) ([]string, error) {
	return a.Elastic(r, "elasticsearch", file, "/lib/elasticsearch")
}

func opensearch(a *Answers, r hostfs.Root, file string) ([]string, error) {
	return a.Elastic(r, "opensearch", file, "/lib/opensearch")
}

func TestOpen(t *testing.T) {
	for _, tt := range []struct {
		ask        ask
		conf, want string
	}{
		{redis, "bind 127.0.0.1 -::1\nprotected-mode yes\n", "redis: closed: it listens on loopback alone @/n:1 @/n:2"},
		{redis, "port 6379\n", "redis: closed: protected-mode answers loopback alone"},
		{redis, "protected-mode no\n", "redis: open: it listens without a password, and protected-mode is off @/n:1"},
		{redis, "bind 0.0.0.0\nprotected-mode no\n", "redis: open"},
		{redis, "bind 0.0.0.0\n", "redis: open: bind 0.0.0.0 without a password (before release 7"},
		{redis, "bind 0.0.0.0\nprotected-mode no\nrequirepass swordfish\n", "redis: closed: requirepass sets a password @/n:1 @/n:2 @/n:3"},
		{redis, "bind 0.0.0.0\nrequirepass \"\"\n", "redis: open"},
		{redis, "bind *\nuser default on >swordfish ~* +@all\n", "redis: closed: user sets a password"},
		{redis, "bind *\nuser default on nopass ~* +@all\n", "redis: open"},
		{redis, "bind *\naclfile /acl\n", "redis: closed: user sets a password @/n:1 @/acl:2"},
		{redis, "bind 127.0.0.1\nport 0\n", "redis: closed: port 0"},
		{redis, "bind 127.0.0.1\nBIND 0.0.0.0\n", "redis: open"}, // the last counts
		{redis, "include /more\n", "redis: open: bind 0.0.0.0"},
		{memcachedOf, "-d\n-l 127.0.0.1\n", "memcached: closed: it listens on loopback alone @/n:2"},
		{memcachedOf, "-d\n", "memcached: open: without -l it listens on every address"},
		{memcachedOf, "-l 127.0.0.1,::1\n-l 0.0.0.0\n", "memcached: open: it listens on more than loopback"},
		{memcachedOf, "-l 0.0.0.0\n-S\n", "memcached: closed: -S asks for a password"},
		{memcachedOf, "-s /run/memcached.sock\n", "memcached: closed"},
		{memcachedOf, "PORT=\"11211\"\nOPTIONS=\"-l 127.0.0.1,::1\"\n", "memcached: closed: it listens on loopback alone @/n:2"},
		{memcachedOf, "OPTIONS=\"\"\n", "memcached: open"},
		{memcachedOf, "OPTIONS=\"-l127.0.0.1:11211\"\n", "memcached: closed"},
		{(*Answers).MySQL, "[mysqld]\nbind-address = 0.0.0.0\n", "mysql: closed: it asks for passwords"},
		{(*Answers).MySQL, "[client]\nskip-grant-tables\n[mysqld]\n", "mysql: closed"},
		{(*Answers).MySQL, "[mysqld]\nskip-grant-tables # for now\n", "mysql: open: skip-grant-tables # for now @/n:2"},
		{(*Answers).MySQL, "[mariadb-10.11]\nskip_grant_tables = 1\n", "mysql: open: skip_grant_tables = 1"},
		{(*Answers).MySQL, "[server]\nskip_grant_tables = 1\nskip_grant_tables = OFF\n", "mysql: closed"},
		{(*Answers).MySQL, "!includedir /my.d/\n", "mysql: open: skip-grant-tables @/my.d/50.cnf:2"},
		{(*Answers).MongoDB, "net:\n  port: 27017\n", "mongodb: closed: it listens on loopback alone"},
		{(*Answers).MongoDB, "net:\n  bindIp: 0.0.0.0\n", "mongodb: open: it listens on 0.0.0.0 without security.authorization @/n:2"},
		{(*Answers).MongoDB, "net: {bindIp: \"127.0.0.1,10.0.0.1\"}\nsecurity:\n  authorization: enabled\n", "mongodb: closed: security.authorization: enabled"},
		{(*Answers).MongoDB, "net:\n  bindIpAll: true\nsecurity:\n  keyFile: /k\n", "mongodb: closed"},
		{elastic, "cluster.name: x\n", "elasticsearch: closed: it listens on loopback alone"},
		{elastic, "network.host: 0.0.0.0\n", "elasticsearch: open: xpack.security.enabled is not set, and release 7 is it @/n:1"},
		{elastic, "network:\n  host: [_local_, 0.0.0.0]\nxpack.security.enabled: true\n", "elasticsearch: closed: xpack.security.enabled: true"},
		{elastic, "network.host: 0.0.0.0\nxpack.security.enabled: false\n", "elasticsearch: open: xpack.security.enabled: false @/n:1 @/n:2"},
		{elastic, "network.host: 0.0.0.0\nhttp.host: 127.0.0.1\n", "elasticsearch: closed"},
		{opensearch, "network.host: 0.0.0.0\n", "opensearch: open: its security plugin decides"},
		{opensearch, "network.host: 0.0.0.0\nplugins.security.disabled: true\n", "opensearch: open: plugins.security.disabled: true"},
		{opensearch, "network.host: 0.0.0.0\nplugins.security.disabled: false\n", "opensearch: closed"},
	} {
		var a Answers
		root := image.Of(t, map[string]string{"/n": tt.conf, "/acl": "# users\nuser default on #aa ~*\nuser ann on nopass\n", "/more": "bind 0.0.0.0\n",
			"/my.d/50.cnf": "[mysqld]\nskip-grant-tables\n", "/my.d/x": "[mysqld]\n", "/lib/elasticsearch-7.17.1.jar": ""})
		_, err := tt.ask(&a, root, "/n")
		if got := answertest.Show(a.Open...); err != nil || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\ngot  %s, %v\nwant %s", tt.conf, got, err, tt.want)
		}
		if s := fmt.Sprint(a); strings.Contains(s, "swordfish") {
			t.Errorf("a password is kept: %s", s)
		}
	}
}

func TestElasticRelease(t *testing.T) {
	for jar, want := range map[string]string{"/lib/elasticsearch-8.11.1.jar": "elasticsearch: closed", "/lib/lucene-9.0.jar": "elasticsearch: unknown", "/lib/elasticsearch-x.jar": "elasticsearch: unknown"} {
		var a Answers
		if _, err := elastic(&a, image.Of(t, map[string]string{"/n": "network.host: _site_\n", jar: ""}), "/n"); err != nil || !strings.HasPrefix(answertest.Show(a.Open...), want) {
			t.Errorf("%s: %s, %v", jar, answertest.Show(a.Open...), err)
		}
	}
}

func TestPostgres(t *testing.T) {
	const conf, hba = "/etc/postgresql/15/main/postgresql.conf", "/etc/postgresql/15/main/pg_hba.conf"
	const auto = "/var/lib/postgresql/15/main/postgresql.auto.conf"
	stock := "local   all   postgres   peer\nlocal all all peer\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n"
	public := "data_directory = '/var/lib/postgresql/15/main'\nlisten_addresses = '*' # all\n"
	for _, tt := range []struct {
		files       map[string]string
		open, trust string
	}{
		{map[string]string{conf: "port = 5432\n", hba: stock}, "postgresql 15/main: closed: it listens on loopback alone", "postgresql 15/main: closed: pg_hba.conf has no trust"},
		{map[string]string{conf: public, hba: stock}, "postgresql 15/main: closed: pg_hba.conf lets no strangers in without a password @/etc/postgresql/15/main/postgresql.conf:2", "postgresql 15/main: closed"},
		{map[string]string{conf: public, hba: stock + "host all all 0.0.0.0/0 trust\n"}, "postgresql 15/main: open: pg_hba.conf trusts strangers: host all all 0.0.0.0/0 trust @/etc/postgresql/15/main/postgresql.conf:2 @/etc/postgresql/15/main/pg_hba.conf:5", "postgresql 15/main: closed"},
		{map[string]string{conf: public, hba: "host all all 0.0.0.0 0.0.0.0 trust\n"}, "postgresql 15/main: open", "postgresql 15/main: closed"},
		{map[string]string{conf: public, hba: "hostssl all all all scram-sha-256\nhost all all all trust\n"}, "postgresql 15/main: closed", "postgresql 15/main: closed"},
		{map[string]string{conf: public, hba: "host app app all scram-sha-256\nhost all all ::/0 trust\n"}, "postgresql 15/main: open", "postgresql 15/main: closed"},
		{map[string]string{conf: public, hba: "host all all 10.0.0.0/8 trust\n"}, "postgresql 15/main: closed", "postgresql 15/main: closed"},
		{map[string]string{conf: public, hba: "local all all trust\n"}, "postgresql 15/main: closed", "postgresql 15/main: open: any local user is any database user: local all all trust @/etc/postgresql/15/main/pg_hba.conf:1"},
		{map[string]string{conf: "port = 1\n", hba: "host all all 127.0.0.1/32 trust\n"}, "postgresql 15/main: closed", "postgresql 15/main: open: any local"},
		{map[string]string{conf: "data_directory = '/var/lib/postgresql/15/main'\n", auto: "listen_addresses = '0.0.0.0'\n", hba: "host all all all trust\n"}, "postgresql 15/main: open", "postgresql 15/main: closed"},
		{map[string]string{conf: "include_dir 'conf.d'\nlisten_addresses = 'localhost'\n", "/etc/postgresql/15/main/conf.d/a.conf": "hba_file = '/hba'\n", "/hba": "local all all trust\n"}, "postgresql 15/main: closed", "postgresql 15/main: open"},
		{map[string]string{conf: public, hba: "include more\n", "/etc/postgresql/15/main/more": "host all all all trust\n"}, "postgresql 15/main: open", "postgresql 15/main: closed"},
		{map[string]string{conf: public}, "postgresql 15/main: unknown: read", "postgresql 15/main: unknown: read"},
	} {
		var a Answers
		watch, err := a.Postgres(image.Of(t, tt.files), "/etc/postgresql/*/*/postgresql.conf", "/var/lib/pgsql/data/postgresql.conf")
		if !slices.Contains(watch, "/etc/postgresql/15/") || (err != nil) != strings.Contains(tt.open, "unknown") {
			t.Errorf("%q, %v", watch, err)
		}
		for got, want := range map[string]string{answertest.Show(a.Open...): tt.open, answertest.Show(a.Trust...): tt.trust} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%v\ngot  %s\nwant %s", tt.files, got, want)
			}
		}
	}
}

// TestHostile: what is not there, or no YAML, is not known, and not closed.
func TestHostile(t *testing.T) {
	deep := strings.Repeat("{a: ", 100) + "1" + strings.Repeat("}", 100)
	files := map[string]string{"/bad": "a: [\n", "/deep": deep, "/alias": "a: &a [1]\nnet: *a\n", "/text": "just text\n", "/empty": ""}
	root := image.Of(t, files)
	for i, ask := range []ask{redis, memcachedOf, (*Answers).MySQL, (*Answers).MongoDB, elastic} {
		var a Answers
		if _, err := ask(&a, root, "/missing"); err == nil || len(a.Open) != 1 || a.Open[0].Known {
			t.Errorf("%d: %+v, %v", i, a.Open, err)
		}
	}
	for name := range files {
		var a Answers
		_, err := a.MongoDB(root, name)
		if bad := name == "/bad" || name == "/deep"; (err != nil) != bad || len(a.Open) != 1 || a.Open[0].Known == bad {
			t.Errorf("%s: %+v, %v", name, a.Open, err)
		}
	}
}

// TestBounds: of what is not asked nothing is known.
func TestBounds(t *testing.T) {
	for more := range 2 {
		files := map[string]string{}
		for i := range maxClusters + more {
			files[fmt.Sprintf("/etc/postgresql/%d/main/postgresql.conf", i)] = ""
			files[fmt.Sprintf("/etc/postgresql/%d/main/pg_hba.conf", i)] = "local all all peer\n"
		}
		var a Answers
		if _, err := a.Postgres(image.Of(t, files), "/etc/postgresql/*/*/postgresql.conf"); err != nil {
			t.Fatal(err)
		}
		unknown := func(list []answer.Answer) bool {
			return slices.ContainsFunc(list, func(a answer.Answer) bool { return !a.Known })
		}
		if unknown(a.Open) != (more > 0) || unknown(a.Trust) != (more > 0) {
			t.Errorf("%d more: %+v", more, a.Open)
		}
		for name, text := range map[string]string{"long": many(maxSettings + 1 + more), "deep": strings.Repeat("{a: ", maxDepth+more) + "1" + strings.Repeat("}", maxDepth+more)} {
			if _, err := settings(image.Of(t, map[string]string{"/n": text}), "/n"); (err != nil) != (more > 0) {
				t.Errorf("%s, %d more: %v", name, more, err)
			}
		}
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

// FuzzSettings: nothing panics on foreign YAML, and names are bounded.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"a: {b: [1, 2]}\n", "a: &x [*x]\n", "- a\n", "? {a: b}\n: c\n", "<<: {a: b}\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all, err := settings(image.Of(t, map[string]string{"/n": s}), "/n")
		if err == nil && len(all) > maxSettings+1 {
			t.Fatalf("%d settings", len(all))
		}
	})
}
