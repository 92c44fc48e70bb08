package packaging

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// signed is when the tests' repositories are signed.
const signed = "1767225600"

// TestRelease makes repositories with scripts/release and has apt and dnf install from them by the
// words of README.md and docs/install.md; what was changed on the way, is signed by somebody else or
// too old, they refuse.
func TestRelease(t *testing.T) {
	dir := t.TempDir()
	ours, other := makeKey(t, filepath.Join(dir, "ours"), ""), makeKey(t, filepath.Join(dir, "other"), "")
	one, two := small(t, "1.0.0", "seawall", "seawall-collector"), small(t, "2.0.0", "seawall", "seawall-collector")
	repository := filepath.Join(dir, "repository")
	release(t, repository, ours, one)
	first := lists(t, repository)
	release(t, repository, ours, two)
	there(t, first, true)
	release(t, repository, ours, nil)
	there(t, first, false)

	t.Run("again", func(t *testing.T) { again(t, repository, ours, one, two) })
	t.Run("refused", func(t *testing.T) { refused(t, repository, ours, other, one) })
	foreign := filepath.Join(dir, "foreign")
	release(t, foreign, other, two)
	for name, test := range map[string]func(*testing.T){
		"secret":            func(t *testing.T) { secret(t, one[1:3]) },
		"apt":               func(t *testing.T) { aptInstalls(t, serve(t, repository), serve(t, foreign)) },
		"apt expired":       func(t *testing.T) { aptExpired(t, ours, one) },
		"apt takes no more": func(t *testing.T) { aptPinned(t, ours, one) },
		"dnf":               func(t *testing.T) { dnfInstalls(t, serve(t, repository), serve(t, foreign)) },
		"disk":              func(t *testing.T) { disk(t, repository) },
		"by hand":           func(t *testing.T) { byHand(t, serve(t, repository)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// lists are the files that a client which has begun with apt's or dnf's first file will ask for.
func lists(t *testing.T, repository string) []string {
	t.Helper()
	var names []string
	apt, err := os.ReadFile(repository + "/deb/dists/stable/InRelease")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^ ([0-9a-f]{64}) \d+ (main/\S+)$`).FindAllStringSubmatch(string(apt), -1) {
		names = append(names, filepath.Join(repository, "deb/dists/stable", filepath.Dir(m[2]), "by-hash/SHA256", m[1]))
	}
	dnf, err := os.ReadFile(repository + "/rpm/x86_64/repodata/repomd.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`href="(repodata/[^"]+)"`).FindAllStringSubmatch(string(dnf), -1) {
		names = append(names, filepath.Join(repository, "rpm/x86_64", m[1]))
	}
	if len(names) != 2+3 {
		t.Fatalf("the lists are %q", names)
	}
	return names
}

// there holds that files are in place, or gone, so that a repository does not grow with each release.
func there(t *testing.T, files []string, want bool) {
	t.Helper()
	for _, name := range files {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// again holds that the same packages give the same bytes, and a release of nothing changes nothing.
func again(t *testing.T, repository string, ours key, one, two []string) {
	second := filepath.Join(t.TempDir(), "second")
	release(t, second, ours, one)
	release(t, second, ours, two)
	release(t, repository, ours, nil)
	release(t, second, ours, nil)
	if out, err := exec.Command("diff", "-r", repository, second).CombinedOutput(); err != nil {
		t.Errorf("two releases of the same differ: %s", out)
	}
}

// refused tries what a release must not do to a repository that hosts trust.
func refused(t *testing.T, repository string, ours, other key, one []string) {
	changed := t.TempDir()
	for _, path := range one {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(changed, filepath.Base(path)), append(text, 0), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	deb := filepath.Join(changed, filepath.Base(one[slices.IndexFunc(one, func(s string) bool { return strings.HasSuffix(s, ".deb") })]))
	rebuilt := small(t, "1.0.0", "seawall", "again")
	for _, c := range []struct {
		key  key
		file string
		want string
	}{
		{ours, deb, "another content"},
		{ours, rebuilt[slices.IndexFunc(rebuilt, func(s string) bool { return strings.HasSuffix(s, "64.rpm") && strings.Contains(s, "/seawall-1") })], "another content"},
		{other, one[0], "signed by another key"},
		{key{}, one[0], "SIGNING_KEY is not set"},
		{ours, "/etc/hosts", "neither"},
		{key{file: "/etc/hosts"}, one[0], "no key"},
		{key{file: "nobody@nowhere"}, one[0], "0 secret keys"},
	} {
		out, err := exec.Command("find", repository, "-newer", repository+"/SHA256SUMS").CombinedOutput()
		before := string(out)
		if err != nil {
			t.Fatal(err)
		}
		cmd := command(repository, c.key, c.file)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("release %s: %v, want %q\n%s", c.file, err, c.want, out)
		}
		if out, _ := exec.Command("find", repository, "-newer", repository+"/SHA256SUMS").CombinedOutput(); string(out) != before {
			t.Errorf("release %s changed %s", c.file, out)
		}
	}
}

// secret looks for key and passphrase among the arguments of every program that a release starts.
func secret(t *testing.T, one []string) {
	const passphrase = "correct-horse"
	k := makeKey(t, filepath.Join(t.TempDir(), "key"), passphrase)
	log := filepath.Join(t.TempDir(), "log")
	cmd := command(filepath.Join(t.TempDir(), "r"), k, one...)
	cmd.Args = append([]string{"strace", "-f", "--seccomp-bpf", "-qq", "-s", "100000", "-v", "-e", "trace=execve", "-o", log}, cmd.Args...)
	cmd.Path, _ = exec.LookPath("strace")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil || bytes.Count(text, []byte("gpg")) < 5 {
		t.Fatalf("%v: no gpg in\n%s", err, text)
	}
	if bytes.Contains(text, []byte(passphrase)) || bytes.Contains(text, []byte("PRIVATE KEY")) {
		t.Error("a secret is an argument or in the environment of a program")
	}
}

// key is what signs.
type key struct{ file, passphrase string }

// makeKey makes a key as docs/install.md tells to, smaller.
func makeKey(t *testing.T, dir, passphrase string) key {
	t.Helper()
	k := key{file: filepath.Join(dir, "secret.asc")}
	if passphrase != "" {
		k.passphrase = filepath.Join(dir, "passphrase")
	}
	const script = `set -e
mkdir -m 700 "$1" "$1/gpg"; printf %s "$2" >"$1/passphrase"; export GNUPGHOME="$1/gpg"
gpg() { command gpg --batch --quiet --pinentry-mode loopback --passphrase-file "$dir/passphrase" "$@"; }
dir=$1
gpg --faked-system-time 20250101T000000! --quick-generate-key 'Seawall packages' rsa2048 sign never
gpg --armor --export-secret-keys >"$1/secret.asc"
gpgconf --kill all`
	if out, err := exec.Command("sh", "-c", script, "sh", dir, passphrase).CombinedOutput(); err != nil {
		t.Fatalf("make a key: %v\n%s", err, out)
	}
	return k
}

func command(repository string, k key, files ...string) *exec.Cmd {
	cmd := exec.Command("../scripts/release", append([]string{repository}, files...)...)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+signed, "SIGNING_KEY="+k.file, "SIGNING_PASSPHRASE="+k.passphrase)
	return cmd
}

func release(t *testing.T, repository string, k key, files []string, env ...string) {
	t.Helper()
	cmd := command(repository, k, files...)
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.HasPrefix(out, []byte("release: ")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// small makes packages that have the names of ours and one file, or those that are named.
func small(t *testing.T, version string, names ...string) []string {
	t.Helper()
	const nfpm = "../bin/tools/nfpm"
	if _, err := os.Stat(nfpm); err != nil {
		if out, err := exec.Command("../scripts/tools/build", "nfpm").CombinedOutput(); err != nil {
			t.Fatalf("build nfpm: %v\n%s", err, out)
		}
	}
	dir := t.TempDir()
	for _, name := range names {
		config := filepath.Join(dir, name+".yaml")
		text := fmt.Sprintf("{name: %s, arch: amd64, version: %q, version_schema: none, release: 1, maintainer: Tests <tests@localhost>, description: %q,\n"+
			"contents: [{src: %s, dst: /usr/share/%s/version}], rpm: {buildhost: localhost}}", name, version, strings.Join(names, " "), config, name)
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"deb", "rpm"} {
			cmd := exec.Command(nfpm, "package", "-f", config, "-p", format, "-t", dir)
			cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+signed)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("nfpm: %v\n%s", err, out)
			}
		}
	}
	list, err := filepath.Glob(filepath.Join(dir, "*.[dr][ep][bm]"))
	if err != nil || len(list) != 2*len(names) {
		t.Fatalf("%d packages: %v", len(list), err)
	}
	return list
}

// site is a web server of a repository: it notes what is asked of it, and damages what spoil names.
type site struct {
	url   string
	mu    sync.Mutex
	asked []string
	spoil *regexp.Regexp
}

func serve(t *testing.T, dir string) *site {
	s := &site{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		spoil := s.spoil
		s.mu.Unlock()
		if spoil == nil || !spoil.MatchString(r.URL.Path) {
			http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
			return
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.Clean(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		text[len(text)/2] ^= 1
		w.Write(text)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// paths are those that were asked for until now.
func (s *site) paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *site) damage(pattern string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spoil = nil
	if pattern != "" {
		s.spoil = regexp.MustCompile(pattern)
	}
}

// block is a code block of a page, with its variables set.
func block(t *testing.T, page, name string, variables ...string) string {
	t.Helper()
	out, err := exec.Command("../scripts/blocks", append([]string{"../" + page, name}, variables...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// readme is a code block of README.md, with the address of the repository if it has one.
func readme(t *testing.T, name, url string) string {
	t.Helper()
	if url == "" {
		return block(t, "README.md", name)
	}
	return block(t, "README.md", name, "REPO="+url)
}

// fails runs a script that must fail and say why.
func fails(t *testing.T, r root, script, want string) {
	t.Helper()
	out := r.run(t, "if ( set -e\n"+script+"\n) >/tmp/out 2>&1; then echo unexpected; fi; cat /tmp/out")
	if strings.HasPrefix(out, "unexpected") || !strings.Contains(out, want) {
		t.Errorf("want a failure that says %q:\n%s\n%s", want, script, out)
	}
	if out := r.run(t, "ls /usr/share/seawall/version 2>/dev/null || true"); out != "" {
		t.Errorf("it was installed all the same")
	}
}

// aptRoot is a Debian that has no other source than those that a test adds.
func aptRoot(t *testing.T, packages string) root {
	t.Helper()
	r := newRoot(t, packages)
	r.run(t, `mkdir -p /tmp; chmod 1777 /tmp; rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/* /etc/apt/keyrings
		# Nor the machine's own settings of how packages are fetched and believed.
		grep -lri -e '^ *acquire' /etc/apt/apt.conf.d | xargs -r rm`)
	return r
}

func aptInstalls(t *testing.T, ours, foreign *site) {
	host := readme(t, "repository-deb", ours.url) + readme(t, "host", "")
	r := aptRoot(t, t.TempDir())
	version := func(want string) {
		t.Helper()
		if got := r.run(t, "dpkg-query -W -f '${Version}' seawall"); got != want {
			t.Errorf("version %s is installed, want %s", got, want)
		}
	}
	r.run(t, host+"apt-get install -y seawall-collector")
	version("2.0.0-1")
	if !slices.ContainsFunc(ours.paths(), func(path string) bool { return strings.Contains(path, "/by-hash/SHA256/") }) {
		t.Errorf("apt asked for no list by its digest: %q", ours.paths())
	}
	r.run(t, block(t, "docs/install.md", "downgrade-deb", "VERSION=1.0.0-1"))
	version("1.0.0-1")
	r.run(t, "apt-get -y upgrade")
	version("1.0.0-1") // it is on hold
	r.run(t, block(t, "docs/install.md", "upgrade-deb"))
	version("2.0.0-1")
	r.run(t, block(t, "docs/install.md", "downgrade-deb", "VERSION=1.0.0-1"))
	r.run(t, block(t, "docs/install.md", "purge-deb")) // of what is on hold
	if got := r.run(t, "ls -d /etc/apt/keyrings/* /etc/apt/sources.list.d/* /usr/share/seawall/* 2>/dev/null || true"); got != "" {
		t.Errorf("left after a purge: %s", got)
	}

	for _, c := range []struct{ damage, want string }{
		{`\.deb$`, "Hash Sum mismatch"},
		{`/by-hash/|/Packages`, "Hash Sum mismatch"},
		{`/InRelease$|/Release$`, "not signed"},
		{`/InRelease$|/Release\.gpg$`, "not signed"},
	} {
		ours.damage(c.damage)
		fails(t, aptRoot(t, t.TempDir()), host, c.want)
	}
	ours.damage("")
	// Somebody else's repository, with the key that the host trusts.
	r = aptRoot(t, t.TempDir())
	r.run(t, "mkdir -p /etc/apt/keyrings; curl -fsS "+ours.url+"/seawall.asc -o /etc/apt/keyrings/ours.asc")
	fails(t, r, strings.Replace(readme(t, "repository-deb", foreign.url), "apt-get update", "cp /etc/apt/keyrings/ours.asc /etc/apt/keyrings/seawall.asc; apt-get update", 1), "NO_PUBKEY")
}

// aptExpired has lists that held for a week, long ago.
func aptExpired(t *testing.T, ours key, one []string) {
	old := filepath.Join(t.TempDir(), "old")
	release(t, old, ours, one, "VALID_DAYS=7")
	fails(t, aptRoot(t, t.TempDir()), readme(t, "repository-deb", serve(t, old).url), "expired")
}

// disk installs from a repository that no server serves.
func disk(t *testing.T, repository string) {
	aptRoot(t, repository).run(t, readme(t, "repository-deb", "file:///packages")+readme(t, "host", ""))
	dnfRoot(t, repository).run(t, readme(t, "repository-rpm", "file:///packages")+"dnf -y install seawall")
}

// aptPinned has a repository that offers another's package: the preferences of docs/install.md let it
// in no more.
func aptPinned(t *testing.T, ours key, one []string) {
	dir := filepath.Join(t.TempDir(), "r")
	release(t, dir, ours, append(small(t, "99.0", "libc6"), one...))
	r := aptRoot(t, t.TempDir())
	r.run(t, readme(t, "repository-deb", serve(t, dir).url))
	candidate := func() string { return r.run(t, "apt-cache policy libc6 | sed -n 's/ *Candidate: //p'") }
	if got := candidate(); got != "99.0-1\n" {
		t.Fatalf("without preferences the candidate is %q", got)
	}
	r.run(t, block(t, "docs/install.md", "pin-deb"))
	if got := candidate(); got == "99.0-1\n" {
		t.Error("the repository may replace libc6")
	}
	r.run(t, "apt-get -y install --reinstall seawall")
}

// dnfRoot has dnf, and no repository.
func dnfRoot(t *testing.T, packages string) root {
	t.Helper()
	r := newRoot(t, packages)
	r.run(t, "mkdir -p /tmp /etc/pki/rpm-gpg /etc/yum.repos.d /etc/dnf/vars /var/tmp; rm -rf /etc/yum.repos.d/* /var/cache/dnf; echo 9 >/etc/dnf/vars/releasever; rm -f /etc/dnf/plugins/local.conf")
	return r
}

func dnfInstalls(t *testing.T, ours, foreign *site) {
	host := readme(t, "repository-rpm", ours.url) + "dnf -y install seawall"
	r := dnfRoot(t, t.TempDir())
	version := func(want string) {
		t.Helper()
		if got := r.run(t, "rpm -q --qf '%{VERSION}-%{RELEASE}' seawall"); got != want {
			t.Errorf("version %s is installed, want %s", got, want)
		}
	}
	r.run(t, host+" seawall-collector")
	version("2.0.0-1")
	r.run(t, block(t, "docs/install.md", "downgrade-rpm", "VERSION=1.0.0-1"))
	version("1.0.0-1")
	r.run(t, block(t, "docs/install.md", "upgrade-rpm"))
	version("2.0.0-1")
	r.run(t, block(t, "docs/install.md", "purge-rpm"))
	if got := r.run(t, "ls /etc/yum.repos.d/* /etc/pki/rpm-gpg/*seawall /usr/share/seawall/* 2>/dev/null || true"); got != "" {
		t.Errorf("left after a removal: %s", got)
	}
	for _, c := range []struct{ damage, want string }{
		{`\.rpm$`, "hecksum"},
		{`primary\.xml`, "hecksum"},
		{`/repomd\.xml$`, "repomd.xml"},
		{`/repomd\.xml\.asc$`, "repomd.xml"},
	} {
		ours.damage(c.damage)
		fails(t, dnfRoot(t, t.TempDir()), host, c.want)
	}
	ours.damage("")
	r = dnfRoot(t, t.TempDir())
	r.run(t, "curl -fsS "+ours.url+"/seawall.asc -o /tmp/ours.asc")
	fails(t, r, readme(t, "repository-rpm", foreign.url)+"cp /tmp/ours.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-seawall; dnf -y install seawall", "GPG")
}

// byHand checks files that came without apt and dnf, as docs/install.md tells to.
func byHand(t *testing.T, ours *site) {
	r := newRoot(t, t.TempDir())
	r.run(t, "mkdir -p /tmp /usr/share/keyrings")
	const files = "seawall_2.0.0-1_amd64.deb"
	verify := block(t, "docs/install.md", "verify", "REPO="+ours.url, "FILE=deb/pool/"+files)
	r.run(t, "cd /tmp; "+verify)
	ours.damage(`\.deb$|/nothing`)
	fails(t, r, "cd /tmp; rm -f "+files+"\n"+verify, "FAILED")
	ours.damage(`SHA256SUMS\.asc$`)
	fails(t, r, "cd /tmp; rm -f "+files+"\n"+verify, "gpg")
}
