package dnf

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// tree makes a root of a txtar archive.
func tree(t testing.TB, archive string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, root, f.Name, string(f.Data))
	}
	return root
}

// TestFolders: the names are those that dnf 4.14 gave to its folders for these
// repositories.
func TestFolders(t *testing.T) {
	root := tree(t, `
-- etc/os-release --
VERSION_ID="9.4"
-- etc/rpm/platform --
x86_64-redhat-linux
-- etc/dnf/vars/foo --
bar
-- etc/yum.repos.d/a.repo --
[plain]
name=Plain $releasever
baseurl=file:///tmp/r2/repo$releasever
  file:///tmp/r2/other
[ml]
mirrorlist=file:///tmp/r2/mirrors-$releasever-$basearch-$foo
[both]
baseurl=file:///tmp/r2/repo9/
mirrorlist=file:///tmp/r2/mirrors-9-x86_64-bar
[slash]
baseurl=file:///tmp/r2/repo9/,file:///tmp/r2/x
[off]
baseurl=file:///tmp/r2/repo9
enabled=0
[moved]
baseurl=https://elsewhere.example/$unknown
[gone]
baseurl=file:///tmp/r2/repo9
-- var/cache/dnf/plain-a691e981c0b26023/repodata/repomd.xml --
-- var/cache/dnf/plain-a691e981c0b26023/repodata/x-primary.xml.gz --
-- var/cache/dnf/plain-0000000000000000/repodata/repomd.xml --
-- var/cache/dnf/plain-extra-a691e981c0b26023/repodata/repomd.xml --
-- var/cache/dnf/ml-f2605c9bde8af14e/repodata/repomd.xml --
-- var/cache/dnf/both-f2605c9bde8af14e/repodata/repomd.xml --
-- var/cache/libdnf5/slash-a20a25f68e35dd70/repodata/repomd.xml --
-- var/cache/libdnf5/slash-a20a25f68e35dd70/attributes/expired --
-- var/cache/dnf/slash-a20a25f68e35dd70/repodata/repomd.xml --
-- var/cache/dnf/moved-1111111111111111/repodata/repomd.xml --
-- var/cache/dnf/moved-2222222222222222/repodata/repomd.xml --
-- var/cache/dnf/gone-a691e981c0b26023/mirrorlist --
-- var/cache/dnf/off-a691e981c0b26023/repodata/repomd.xml --
-- var/cache/dnf/expired_repos.json --
["ml"]
`)
	at := func(name string, minute int) {
		when := time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(root, "var/cache", name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	at("dnf/plain-a691e981c0b26023/repodata/repomd.xml", 1)
	at("dnf/plain-a691e981c0b26023/repodata/x-primary.xml.gz", 4)
	at("dnf/plain-0000000000000000/repodata/repomd.xml", 9)
	at("dnf/slash-a20a25f68e35dd70/repodata/repomd.xml", 2)
	at("libdnf5/slash-a20a25f68e35dd70/repodata/repomd.xml", 3)
	at("dnf/moved-1111111111111111/repodata/repomd.xml", 5)
	at("dnf/moved-2222222222222222/repodata/repomd.xml", 6)
	at("dnf/ml-f2605c9bde8af14e/repodata/repomd.xml", 7)
	at("dnf/both-f2605c9bde8af14e/repodata/repomd.xml", 8)
	c := load(t, root)
	var got strings.Builder
	for _, r := range c.Repos {
		fmt.Fprintf(&got, "%s (%s) %d:", r.ID, r.Name, r.Line)
		for _, f := range r.Folders {
			got.WriteString(" " + strings.TrimPrefix(f, "/var/cache/"))
		}
		if !r.Refreshed.IsZero() {
			fmt.Fprintf(&got, " at %d", r.Refreshed.Minute())
		}
		if r.Expired {
			got.WriteString(" expired")
		}
		got.WriteString("\n")
	}
	want := `plain (Plain 9) 1: dnf/plain-a691e981c0b26023 dnf/plain-0000000000000000 at 4
ml (ml) 5: dnf/ml-f2605c9bde8af14e at 7 expired
both (both) 7: dnf/both-f2605c9bde8af14e at 8
slash (slash) 10: libdnf5/slash-a20a25f68e35dd70 dnf/slash-a20a25f68e35dd70 at 3 expired
off (off) 12:
moved (moved) 15: dnf/moved-2222222222222222 dnf/moved-1111111111111111 at 6
gone (gone) 17:
`
	if diff := cmp.Diff(want, got.String()); diff != "" || len(c.Problems) > 0 || c.Arch != "x86_64" {
		t.Errorf("-want +got:\n%s%v", diff, c.Problems)
	}
	for _, name := range []string{"/etc/dnf/dnf.conf", "/etc/yum.repos.d", "/etc/yum.repos.d/a.repo", "/var/cache/dnf", "/var/cache/libdnf5",
		"/var/cache/dnf/gone-a691e981c0b26023/repodata/repomd.xml", "/etc/dnf/versionlock.toml", "/etc/dnf/plugins/versionlock.conf", "/etc/os-release"} {
		if !slices.Contains(c.Files, name) {
			t.Errorf("%s is not among the files", name)
		}
	}
}

// TestFedora: what dnf 5 reads beside the files of dnf 4.
func TestFedora(t *testing.T) {
	root := tree(t, `
-- etc/os-release --
VERSION_ID=43
-- usr/share/dnf5/libdnf.conf.d/20-fedora.conf --
[main]
excludepkgs=from-drop-in
metadata_expire=1h
-- etc/dnf/libdnf5.conf.d/10-site.conf --
[main]
excludepkgs=from-site
-- etc/dnf/dnf.conf --
[main]
# a comment
includepkgs=*
exclude=docker* podman-docker
-- etc/yum.repos.d/fedora.repo --
[fedora]
name=Fedora $releasever_major ${none:-x}${releasever:+y}
metalink=https://example.com/metalink?repo=fedora-$releasever&arch=$basearch
[updates]
metalink=https://example.com/updates
priority=50
-- etc/yum.repos.d/broken.repo --
[broken
-- etc/yum.repos.d/twice.repo --
[fedora]
enabled=0
[bad id]
-- etc/dnf/repos.override.d/99.repo --
[upd*]
enabled=0
excludepkgs=kernel-core
[fedora]
module_hotfixes=1
cost=5
excludepkgs=kernel-core
-- etc/dnf/modules.d/a.module --
[nodejs]
stream=18
state=enabled
[perl]
state=disabled
-- usr/lib/sysimage/libdnf5/modules.toml --
version = "1.0"
[modules.nodejs]
enabled_stream = "20"
state = "Enabled"
-- etc/dnf/versionlock.toml --
version = "1.0"
[[packages]]
name = "bash"
conditions = [{key="evr", comparator="=", value="0:5.2-1.fc43"}]
[[packages]]
name = "bash"
conditions = [{key="evr", comparator=">=", value="5.4"}, {key="evr", comparator="<", value="6"}]
[[packages]]
name = "*nvidia*"
conditions = [{key="epoch", comparator="=", value="3"}, {key="arch", comparator="!=", value="i686"}]
[[packages]]
name = "no-conditions"
[[packages]]
name = "bad"
conditions = [{key="arch", comparator="<", value="x"}]
`)
	c := load(t, root)
	if len(c.Repos) != 2 {
		t.Fatalf("got %+v", c.Repos)
	}
	fedora, updates := &c.Repos[0], &c.Repos[1]
	if fedora.Name != "Fedora 43 xy" || !fedora.Enabled || !fedora.ModuleHotfixes || fedora.Cost != 5 || fedora.MetadataExpire != time.Hour {
		t.Errorf("got %+v", fedora)
	}
	if updates.Enabled || updates.Priority != 50 {
		t.Errorf("got %+v", updates)
	}
	if diff := cmp.Diff([]Module{{"nodejs", "20", "enabled"}, {"perl", "", "disabled"}}, c.Modules); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	problems := strings.Join(c.Problems, "\n")
	for _, want := range []string{"broken.repo: line 1: ", "twice.repo line 1: repository fedora is listed more than once", `"bad id" is no id`,
		"versionlock.toml line 11: no lock", "versionlock.toml line 13: no lock"} {
		if !strings.Contains(problems, want) {
			t.Errorf("no problem %q in:\n%s", want, problems)
		}
	}
	for build, want := range map[string]string{
		"bash 0:5.2-1.fc43 x86_64":    "",
		"bash 0:5.3-1.fc43 x86_64":    "/etc/dnf/versionlock.toml line 2: bash evr = 0:5.2-1.fc43",
		"bash 0:5.4.1-1.fc43 x86_64":  "",
		"bash 0:6-1 x86_64":           "/etc/dnf/versionlock.toml line 2: bash evr = 0:5.2-1.fc43",
		"x-nvidia 3:1-1 x86_64":       "",
		"x-nvidia 2:1-1 x86_64":       "/etc/dnf/versionlock.toml line 8: *nvidia* epoch = 3 arch != i686",
		"x-nvidia 3:1-1 i686":         "/etc/dnf/versionlock.toml line 8: *nvidia* epoch = 3 arch != i686",
		"docker-ce 3:1-1 x86_64":      "/etc/dnf/dnf.conf line 4: exclude=docker* podman-docker",
		"podman-docker 3:1-1 x86_64":  "/etc/dnf/dnf.conf line 4: exclude=docker* podman-docker",
		"from-drop-in 0:1-1 x86_64":   "/usr/share/dnf5/libdnf.conf.d/20-fedora.conf line 2: excludepkgs=from-drop-in",
		"from-site 0:1-1 x86_64":      "/etc/dnf/libdnf5.conf.d/10-site.conf line 2: excludepkgs=from-site",
		"kernel-core 0:6-1 x86_64":    "/etc/dnf/repos.override.d/99.repo line 7: excludepkgs=kernel-core",
		"no-conditions 0:1-1 x86_64":  "",
		"something-else 0:1-1 x86_64": "",
	} {
		f := strings.Fields(build)
		c.Meet(f[0], f[1], f[2])
		by, ok := c.Excluded(fedora, f[0], f[1], f[2])
		if got := fmt.Sprintf("%s line %d: %s", by.File, by.Line, by.Text); ok != (want != "") || ok && got != want || ok && by.Lock != strings.Contains(want, "versionlock") {
			t.Errorf("%s: got %q (%v, %v), want %q", build, got, ok, by.Lock, want)
		}
	}
	if _, ok := c.Excluded(nil, "kernel-core", "0:6-1", "x86_64"); ok {
		t.Error("a repository's exclude holds for none")
	}
	if c.Concerns([]byte("docker-ce")) || !load(t, root).Concerns([]byte("docker-ce")) {
		t.Error("docker-ce is a concern until it was met")
	}
}

// TestNothing: a host without dnf, and one whose files are not files.
func TestNothing(t *testing.T) {
	c := load(t, t.TempDir())
	if len(c.Repos) > 0 || len(c.Problems) > 0 || len(c.Files) == 0 {
		t.Errorf("got %+v", c)
	}
	if _, ok := c.Excluded(nil, "a", "0:1-1", "x"); ok || c.Concerns([]byte("a")) {
		t.Error("excluded by nothing")
	}
	root := tree(t, `
-- etc/dnf/dnf.conf/x --
-- etc/yum.repos.d --
-- etc/dnf/plugins/versionlock.conf --
[main]
locklist=/none
-- etc/dnf/versionlock.toml --
[[
-- usr/lib/sysimage/libdnf5/modules.toml --
x
-- var/cache/dnf/expired_repos.json --
{
`)
	c = load(t, root)
	problems := strings.Join(c.Problems, "\n")
	for _, want := range []string{"/etc/dnf/dnf.conf", "/etc/yum.repos.d", "/none", "versionlock.toml: line 1", "modules.toml: line 1", "expired_repos.json"} {
		if !strings.Contains(problems, want) {
			t.Errorf("no problem of %s in:\n%s", want, problems)
		}
	}
}

func TestYumConf(t *testing.T) {
	c := load(t, tree(t, `
-- etc/yum.conf --
[main]
cachedir=/srv/cache
releasever=7
reposdir=/srv/repos
[in-main]
baseurl=https://example.com/$releasever/
-- srv/repos/a.repo --
[a]
baseurl=https://example.com/
-- srv/cache/a-0f115db062b7c0dd/repodata/repomd.xml --
-- etc/yum.repos.d/b.repo --
[b]
`))
	if len(c.Repos) != 2 || c.Repos[0].ID != "in-main" || c.Repos[1].ID != "a" || len(c.Repos[1].Folders) != 1 || len(c.Problems) > 0 {
		t.Errorf("got %+v, %v", c.Repos, c.Problems)
	}
}

// TestINI: each answer is libdnf's.
func TestINI(t *testing.T) {
	for text, want := range map[string]string{
		"[main]\nexclude=a\n  b[c]d\n": "a b[c]d", "[main] # x\nexclude=a b # c\n": "a b # c", "[main]\nexclude=a\n \n b\n": "a b",
		"[main]\nexclude=a\n[main]\nexclude=b\n": "b", "[main]\nexclude=a\nexclude=b\n": "b", "[main]\nexclude=a\nexcludepkgs=b\n": "a b",
		"[main]\nexclude=,a\n": "a", "[main]\nexclude=\"a b\"\n": "a b", "[main]\nExclude=a\n": "", "[main]\nexclude=\nexclude=a\n": "a",
		"[main]\nexclude=a\nexcludepkgs=\n": "", "[main]\nexclude=b\nexcludepkgs=,a\n": "a", "[main]\nexclude=a\nexcludepkgs=b\nexclude=\n": "b",
		"[main]\nexclude=\"a\" \"b\"\n": "a\" \"b", "[main]\nexclude=\"a\n": "\"a", "[main]\nexclude=[b]c [d]\n": "[b]c [d]",
		"[main]\nexclude=a\n  [b]\n": "a", "[main]\nexclude=\n  a\n": "a", "[main]\nexclude=a\r\nb=c\r\n": "a", "[main]\nexclude=a\tb\n": "a\tb",
		"[main]\nexclude=a=b,,c\n": "a=b c", "[main]\nexclude=a\nexcludepkgs=,\n": "",
		"[main]\nexclude=a\n\n  b\n": "error", "[main]\nexclude=a\n#x\n b\n": "error", "[main]\n  exclude=a\n": "error", "[main]x=1\n": "error",
		"exclude=a\n[main]\n": "error", "[ma]in]\n": "error", "[main]\n=a\n": "error", "[]\n": "error", "[main]\nexclude\n": "error",
	} {
		c := load(t, tree(t, "-- etc/dnf/dnf.conf --\n"+text))
		var got []string
		for _, r := range c.excludes {
			got = append(got, r.pattern.Text)
		}
		if len(c.Problems) > 0 {
			got = []string{"error"}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// allocated is how many MiB of memory do asks for in all.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) >> 20
}

// TestOverrides: sections that stand for all repositories, one after the other, do not
// grow what is kept of each; the last counts.
func TestOverrides(t *testing.T) {
	var repos, overrides strings.Builder
	for i := range 200 {
		fmt.Fprintf(&repos, "[r%d]\nbaseurl=https://old.example/\nname=n\n", i)
	}
	for i := range 1000 {
		fmt.Fprintf(&overrides, "[r*%s]\npriority=%d\nbaseurl=https://%d.example/\n", strings.Repeat("*", i%50), i, i)
		if i == 998 {
			fmt.Fprintf(&overrides, "[%s*]\npriority=5\n", strings.Repeat("*", maxID))
		}
	}
	dir := tree(t, "-- etc/yum.repos.d/a.repo --\n"+repos.String()+"-- etc/dnf/repos.override.d/a.repo --\n[r*]\n"+overrides.String()[len("[r*]\n"):])
	var c *Config
	if used := allocated(func() { c = load(t, dir) }); used > 200 {
		t.Errorf("took %d MiB", used)
	}
	for i := range c.Repos {
		r := &c.Repos[i]
		if len(r.section.Options) > 6 || r.address(nil) != "https://999.example/" || r.Priority != 999 || r.Name != "n" {
			t.Fatalf("%s: %q, priority %d, %d options", r.ID, r.address(nil), r.Priority, len(r.section.Options))
		}
	}
}

// TestLimits: what is beyond a bound is said, not left out in silence.
func TestLimits(t *testing.T) {
	words := func(n int) string { return strings.Repeat(" x*", n) }
	many := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "[r%d]\n", i)
		}
		return out.String()
	}
	for name, tt := range map[string]struct{ file, want string }{
		"patterns":     {"-- etc/dnf/dnf.conf --\n[main]\nexclude=" + words(maxRules) + "\n", "full"},
		"of a repo":    {"-- etc/yum.repos.d/a.repo --\n[a]\nincludepkgs=" + words(maxRules+100) + "\n", "full"},
		"fewer":        {"-- etc/dnf/dnf.conf --\n[main]\nexclude=" + words(maxRules-1) + "\n", ""},
		"repositories": {"-- etc/yum.repos.d/a.repo --\n" + many(maxRepos+1), "more than"},
		"long id":      {"-- etc/yum.repos.d/a.repo --\n[" + strings.Repeat("a", maxID+1) + "]\n", "no id"},
	} {
		got := strings.Join(load(t, tree(t, tt.file)).Problems, "\n")
		if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: problems %q, want %q", name, got, tt.want)
		}
	}
}

// TestKinds: what is no file where one is expected is told of, is not waited for and
// hides nothing else.
func TestKinds(t *testing.T) {
	dir := tree(t, "-- etc/yum.repos.d/a.repo --\n[a]\nbaseurl=https://a.example/\n-- etc/yum.repos.d/dir.repo/x --\n-- secret --\n[s]\n")
	for _, name := range []string{"etc/yum.repos.d/fifo.repo", "etc/dnf/dnf.conf", "etc/dnf/versionlock.toml", "usr/lib/sysimage/libdnf5/modules.toml", "etc/dnf/vars/v"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"etc/yum.repos.d/zero.repo": "/dev/zero", "etc/yum.repos.d/loop.repo": "loop.repo", "etc/yum.repos.d/up.repo": "../../../../secret"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, dir)
	var ids []string
	for i := range c.Repos {
		ids = append(ids, c.Repos[i].ID)
	}
	if !slices.Equal(ids, []string{"a", "s"}) { // the link leads to the root's own file
		t.Errorf("repositories %q", ids)
	}
	problems := strings.Join(c.Problems, "\n")
	for _, want := range []string{"fifo.repo", "dnf.conf", "versionlock.toml", "modules.toml", "vars/v", "dir.repo", "loop.repo"} {
		if !strings.Contains(problems, want) {
			t.Errorf("nothing is said of %s:\n%s", want, problems)
		}
	}
}

// TestFoldersAreFew: of thousands of folders with a repository's name those of its
// address are found, and of the others some are looked into.
func TestFoldersAreFew(t *testing.T) {
	dir := tree(t, "-- etc/yum.repos.d/a.repo --\n[plain]\nbaseurl=file:///tmp/r2/repo9\n  file:///tmp/r2/other\n")
	for i := range 500 {
		write(t, dir, fmt.Sprintf("var/cache/dnf/plain-%016x/repodata/repomd.xml", i), "")
	}
	write(t, dir, "var/cache/dnf/plain-a691e981c0b26023/repodata/repomd.xml", "")
	r := load(t, dir).Repos[0]
	if len(r.Folders) != maxFolders+1 || r.Folders[0] != "/var/cache/dnf/plain-a691e981c0b26023" {
		t.Errorf("%d folders, the first is %s", len(r.Folders), r.Folders[0])
	}
}

// TestOpenBraces: braces that are never closed are not looked for again and again.
func TestOpenBraces(t *testing.T) {
	v := vars{"a": "1"}
	text := strings.Repeat("${a", maxValue/3)
	if got := v.replace(text); got != text {
		t.Errorf("%d bytes", len(got))
	}
	if got, want := v.replace("${a:-"+strings.Repeat("x", maxDefault)+"}"), "${a:-"+strings.Repeat("x", maxDefault)+"}"; got != want {
		t.Errorf("a long default: %d bytes", len(got))
	}
	if got := v.replace("${b:-" + strings.Repeat("x", maxDefault/2) + "}"); got != strings.Repeat("x", maxDefault/2) {
		t.Errorf("a default: %d bytes", len(got))
	}
	if long := strings.Repeat("$a", maxValue); v.replace(long) != long {
		t.Error("a value that is too long was touched")
	}
}

func TestReplace(t *testing.T) {
	v := vars{"a": "1", "empty": "", "long": strings.Repeat("x", maxValue)}
	for text, want := range map[string]string{
		"$a/$A/${a}/$b/${b}": "1/1/1/$b/${b}", "${a:-x}${b:-x}${empty:-y}": "1xy", "${a:+x}${b:+x}${empty:+y}": "x", "$": "$", "${": "${", "${}": "${}",
		"$$a": "$1", "${a:x}": "${a:x}", "a$": "a$", "${a": "${a", "$a_": "$a_",
	} {
		if got := v.replace(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := v.replace(strings.Repeat("$long", 100)); len(got) > 2*maxValue {
		t.Errorf("%d bytes", len(got))
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{"6h": 6 * time.Hour, "90": 90 * time.Second, "1.5D": 36 * time.Hour, "2m": 2 * time.Minute, "3s": 3 * time.Second, "never": -1, "-1": -1} {
		if got, ok := seconds(text); got != want || !ok {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "x", "-2", "h", "1e99", "NaN"} {
		if got, ok := seconds(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzLoad reads hostile files in all places.
func FuzzLoad(f *testing.F) {
	f.Add("[main]\nexclude=a\n", "[a]\nbaseurl=file:///$x\n", "bash-0:1-1.*\n!x\n", "version=\"1.0\"\n[[packages]]\nname=\"a\"\n", "[m]\nstream=1\n", `["a"]`)
	f.Add("[", "[a]\n[a]\n x", "# \n\x00", "[[packages]]\nconditions=[[]]", "[]\n", "{")
	f.Fuzz(func(t *testing.T, conf, repo, list, toml, module, expired string) {
		root := t.TempDir()
		for name, text := range map[string]string{
			"etc/dnf/dnf.conf": conf, "etc/yum.repos.d/a.repo": repo, "locks": list, "etc/dnf/versionlock.toml": toml, "etc/dnf/vars/x": repo,
			"etc/dnf/modules.d/a.module": module, "var/cache/dnf/expired_repos.json": expired, "usr/lib/sysimage/libdnf5/modules.toml": toml,
			"etc/dnf/plugins/versionlock.conf": "[main]\nlocklist=/locks\n", "etc/os-release": module,
		} {
			write(t, root, name, text)
		}
		r, err := hostfs.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Load(r)
		if err != nil {
			t.Fatal(err)
		}
		c.Meet("a", "0:1-1", "noarch")
		for i := range c.Repos {
			c.Excluded(&c.Repos[i], "a", "0:1-1", "noarch")
		}
	})
}

// TestSeeds: the fuzz target begins with files that mean something and some that
// do not.
func TestSeeds(t *testing.T) {
	if _, err := os.Stat("testdata/oracle.py"); err != nil {
		t.Error(err)
	}
}

func BenchmarkLoad(b *testing.B) {
	archive := "-- etc/os-release --\nVERSION_ID=9.4\n"
	for i := range 20 {
		archive += fmt.Sprintf("-- etc/yum.repos.d/%d.repo --\n[r%d]\nname=r\nmetalink=https://example.com/$releasever/%d\n[r%d-debug]\nname=r\nenabled=0\nbaseurl=https://example.com/\n", i, i, i, i)
		archive += fmt.Sprintf("-- var/cache/dnf/r%d-0123456789abcdef/repodata/repomd.xml --\n", i)
	}
	r, err := hostfs.Open(tree(b, archive))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if c, err := Load(r); err != nil || len(c.Repos) != 40 || len(c.Repos[0].Folders) != 1 {
			b.Fatal(c, err)
		}
	}
}
