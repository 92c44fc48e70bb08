package dnf

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/pkg/hostfs"
)

// answer is what dnf says of one root.
type answer struct {
	Repos   []repoAnswer
	Offered []string
}

type repoAnswer struct {
	ID, Name, Folder       string
	Enabled, Hotfixes      bool
	Priority, Cost, Expire int
}

// ask runs the real dnf over roots.
func ask(t *testing.T, repo string, packages []build, roots []string) []answer {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", append([]string{"testdata/oracle.py", repo}, roots...)...)
	var in, stderr strings.Builder
	for _, p := range packages {
		fmt.Fprintln(&in, p.name, p.epoch, p.version, p.release, p.arch)
	}
	cmd.Stdin, cmd.Stderr = strings.NewReader(in.String()), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test asks dnf 4 (Debian packages dnf, dnf-plugins-core): %v: %s", err, stderr.String())
	}
	var answers []answer
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var a answer
		err := d.Decode(&a)
		if err == io.EOF {
			return answers
		}
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
}

type build struct{ name, epoch, version, release, arch string }

func (b build) evr() string { return b.epoch + ":" + b.version + "-" + b.release }

// builds are packages whose names, versions and architectures are near each other.
func builds() []build {
	var all []build
	for _, name := range []string{"bash", "php", "php-cli", "php-8.1", "php-fpm", "kernel", "kernel-core", "kernel-5.14", "python3-x", "x.i686", "glibc"} {
		for _, evr := range [][3]string{{"0", "5.14", "1.el9"}, {"0", "5.14", "2.el9_4"}, {"1", "8.1", "1.el9"}, {"0", "6.0", "1.el9"}} {
			for _, arch := range []string{"x86_64", "noarch", "i686"} {
				if arch == "i686" && len(name)%2 == 0 || arch == "noarch" && name[0] != 'p' {
					continue
				}
				all = append(all, build{name, evr[0], evr[1], evr[2], arch})
			}
		}
	}
	return all
}

// pattern makes a pattern that is likely to mean something.
func pattern(rng *rand.Rand, all []build) string {
	b := all[rng.IntN(len(all))]
	text := pick(rng, b.name, b.name, b.name+"."+b.arch, b.name+"-"+b.version, b.name+"-"+b.version+"-"+b.release,
		b.name+"-"+b.evr(), b.name+"-"+b.epoch+":"+b.version, b.name+"-"+b.evr()+"."+b.arch, b.name+"-"+b.version+"-"+b.release+"."+b.arch,
		b.name+"-*", b.name+"*", "*."+b.arch, b.name+"-"+b.evr()+".*", "none-"+b.version, "*-"+b.release+"."+b.arch)
	if rng.IntN(4) == 0 {
		i := rng.IntN(len(text))
		text = text[:i] + pick(rng, "*", "?", "["+text[i:i+1]+"a]", "[!"+text[i:i+1]+"]", "[a-q]") + text[i+1:]
	}
	return text
}

func pick(rng *rand.Rand, of ...string) string { return of[rng.IntN(len(of))] }

// write puts a file into a root.
func write(t testing.TB, root, name, text string) {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, root string) *Config {
	t.Helper()
	r, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// generate makes a root with two repositories and random rules.
func generate(t *testing.T, rng *rand.Rand, root, repo string, all []build) {
	t.Helper()
	patterns := func(key string, chance int) string {
		if rng.IntN(chance) > 0 {
			return ""
		}
		line := key + pick(rng, "=", " = ")
		for range 1 + rng.IntN(3) {
			next := pattern(rng, all)
			if separator := pick(rng, " ", ",", ", ", "\n  "); next[0] != '[' && !strings.HasSuffix(line, "=") {
				line = strings.TrimRight(line, " ") + separator
			} else {
				line += " "
			}
			line += next
		}
		return line + "\n"
	}
	write(t, root, "etc/os-release", "ID=almalinux\nVERSION_ID=\"9.4\"\nPLATFORM_ID=platform:el9\n")
	write(t, root, "etc/rpm/platform", "x86_64-redhat-linux\n")
	write(t, root, "etc/dnf/vars/dir", repo+"\nsecond line\n")
	write(t, root, "etc/yum/vars/dir", "/overridden\n")
	write(t, root, "etc/dnf/dnf.conf", "[main]\n"+pick(rng, "", "", "metadata_expire=6h\n", "plugins=0\n")+patterns("excludepkgs", 2)+patterns("exclude", 3)+patterns("includepkgs", 6))
	write(t, root, "etc/yum.repos.d/b.repo", "# comment\n[b]\nname=B of $releasever, ${basearch}\n"+
		pick(rng, "baseurl=file://$dir\n", "baseurl = file://${dir},\n  file:///none\n", "baseurl=file://$dir,file:///none/$releasever\n")+
		pick(rng, "", "enabled=yes\n", "enabled=1\npriority=5\n", "module_hotfixes=1\ncost=7\n", "metadata_expire=2d\n", "metadata_expire=never\n", "metadata_expire=1.5h\n")+
		patterns("excludepkgs", 2)+patterns("includepkgs", 4))
	write(t, root, "etc/yum.repos.d/a.repo", "[a]\nname=a\nbaseurl=file://"+repo+"\n"+pick(rng, "", "", "", "enabled=0\n")+patterns("exclude", 4))
	if rng.IntN(2) == 0 {
		list := filepath.Join(root, "etc/dnf/plugins/versionlock.list")
		write(t, root, "etc/dnf/plugins/versionlock.conf", "[main]\nenabled = "+pick(rng, "1", "1", "0")+"\nlocklist = "+list+"\n")
		var lines strings.Builder
		for range 1 + rng.IntN(3) {
			lines.WriteString(pick(rng, "", "", "", "!", "# ") + pattern(rng, all) + "\n")
		}
		write(t, root, "etc/dnf/plugins/versionlock.list", lines.String())
		write(t, root, list, lines.String()) // the plugin does not look below the root, this package does
	}
}

// TestAgainstDNF compares random configurations with what dnf 4 makes of them: which
// repositories there are, where their caches lie, and what they offer.
func TestAgainstDNF(t *testing.T) {
	const count = 60
	rng := rand.New(rand.NewPCG(5, 7))
	all := builds()
	dir := t.TempDir()
	repo := filepath.Join(dir, "repo")
	var roots []string
	for i := range count {
		roots = append(roots, filepath.Join(dir, fmt.Sprint("root", i)))
		generate(t, rng, roots[i], repo, all)
	}
	answers := ask(t, repo, all, roots)
	if len(answers) != count {
		t.Fatalf("%d answers for %d roots", len(answers), count)
	}
	excluded := 0
	for i, root := range roots {
		c := load(t, root)
		if len(c.Problems) > 0 && !strings.Contains(c.Problems[0], "no lock can be made") {
			t.Errorf("%s: %v", root, c.Problems)
		}
		got, want := c.answer(all), answers[i]
		for k := range want.Repos {
			if !want.Repos[k].Enabled {
				want.Repos[k].Folder = "" // nothing is in the cache of it
			}
		}
		slices.SortFunc(want.Repos, func(a, b repoAnswer) int { return strings.Compare(a.ID, b.ID) })
		excluded += 2*len(all) - len(want.Offered)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("root %d (-dnf +got):\n%s", i, diff)
			for _, name := range []string{"etc/dnf/dnf.conf", "etc/yum.repos.d/a.repo", "etc/yum.repos.d/b.repo", "etc/dnf/plugins/versionlock.list"} {
				if b, err := os.ReadFile(filepath.Join(root, name)); err == nil {
					t.Logf("%s:\n%s", name, b)
				}
			}
		}
	}
	if excluded < count {
		t.Errorf("the rules excluded only %d packages", excluded)
	}
}

// answer puts a configuration into the oracle's words.
func (c *Config) answer(all []build) answer {
	var a answer
	for _, b := range all {
		c.Meet(b.name, b.evr(), b.arch)
	}
	for i := range c.Repos {
		r := &c.Repos[i]
		a.Repos = append(a.Repos, repoAnswer{ID: r.ID, Name: r.Name, Enabled: r.Enabled, Hotfixes: r.ModuleHotfixes, Priority: r.Priority, Cost: r.Cost})
		last := &a.Repos[len(a.Repos)-1]
		if last.Expire = int(r.MetadataExpire / time.Second); r.MetadataExpire < 0 {
			last.Expire = -1
		}
		if !r.Enabled {
			continue
		}
		for _, folder := range r.Folders {
			last.Folder = filepath.Base(folder)
		}
		for _, b := range all {
			if _, not := c.Excluded(r, b.name, b.evr(), b.arch); !not {
				a.Offered = append(a.Offered, fmt.Sprintf("%s %s-%s.%s", r.ID, b.name, b.evr(), b.arch))
			}
		}
	}
	slices.Sort(a.Offered)
	return a
}
