package containers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/containers/cmdline"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// host makes a root with the given files; the names of programs are enough for an
// engine to count as installed.
func host(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	base := map[string]string{"etc/passwd": "root:x:0:0::/:\nann:x:1000:1000:::\nbob:x:1001:27:::\ncay:x:1002:1002:::\n",
		"etc/group": "root:x:0:\nsudo:x:27:ann\ndocker:x:999:ann,bob,cay,root\nlxd:x:998:cay,_lxd\n"}
	for _, all := range []map[string]string{base, files} {
		for name, text := range all {
			p := filepath.Join(dir, name)
			must(t, os.MkdirAll(filepath.Dir(p), 0o755))
			must(t, os.WriteFile(p, []byte(text), 0o644))
		}
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, dir string) Facts {
	t.Helper()
	root, err := hostfs.Open(dir)
	must(t, err)
	return Read(context.Background(), fact.Env{Root: root, Now: time.Now})
}

// docker is a host with Docker, the unit of the distribution, and more files.
func docker(t testing.TB, files map[string]string) Facts {
	t.Helper()
	all := map[string]string{"usr/sbin/dockerd": "", "usr/lib/systemd/system/docker.service": "[Service]\nEnvironmentFile=-/etc/default/docker\n" +
		"ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS\n"}
	for name, text := range files {
		all[name] = text
	}
	return read(t, host(t, all))
}

func TestAbsent(t *testing.T) {
	f := read(t, host(t, nil))
	if f.Meta.State != fact.StateAbsent || f.Docker.Installed || f.LXD.Installed {
		t.Errorf("%+v", f.Meta)
	}
}

func TestDocker(t *testing.T) {
	d := docker(t, map[string]string{
		"etc/docker/daemon.json": "{\n  \"icc\": false,\n  \"log-opts\": {\"max-size\": \"10m\"},\n  \"insecure-registries\": [\"reg:5000\"],\n  \"other\": [1]\n}\n",
		"etc/default/docker":     "# x\nDOCKER_OPTS=\"--live-restore --insecure-registry other:5000 -H tcp://127.0.0.1:2375 --log-level=warn\"\n",
		"etc/ufw/ufw.conf":       "ENABLED=yes\n",
	}).Docker
	if !d.Known || !d.Valid || !d.LogLimit || !d.Firewall || d.FromUnit != "/usr/lib/systemd/system/docker.service" {
		t.Errorf("%+v", d)
	}
	got := map[string]string{}
	for _, name := range []string{"icc", "live-restore", "log-level", "iptables", "max-size"} {
		s := d.Settings[name]
		got[name] = fmt.Sprintf("%s %v %s:%d", s.Value, s.Set, s.File, s.Line)
	}
	want := map[string]string{"icc": "false true /etc/docker/daemon.json:2", "live-restore": "true true /usr/lib/systemd/system/docker.service:3",
		"log-level": "warn true /usr/lib/systemd/system/docker.service:3", "iptables": "true false :0", "max-size": "10m true /etc/docker/daemon.json:3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var hosts []string
	for _, h := range d.Hosts {
		hosts = append(hosts, fmt.Sprint(h.Address, " ", h.TCP, h.Local))
	}
	if diff := cmp.Diff([]string{"fd:// false false", "tcp://127.0.0.1:2375 true true"}, hosts); diff != "" {
		t.Error(diff)
	}
	if len(d.Insecure) != 2 || d.Insecure[1].Value != "reg:5000" || d.Insecure[1].Line != 4 {
		t.Errorf("%+v", d.Insecure)
	}
	var members []string
	for _, m := range d.Members {
		members = append(members, fmt.Sprintf("%s %v %d", m.Name, m.Admin, m.Line))
	}
	if diff := cmp.Diff([]string{"ann true 3", "bob true 3", "cay false 3"}, members); diff != "" {
		t.Error(diff)
	}
}

func TestSocketUnit(t *testing.T) {
	d := docker(t, map[string]string{"usr/lib/systemd/system/docker.socket": "[Socket]\nListenStream=/run/docker.sock\nListenStream=2375\n"}).Docker
	if len(d.Hosts) != 2 || d.Hosts[1].Address != "tcp://[::]:2375" || !d.Hosts[1].TCP || d.Hosts[1].Local {
		t.Errorf("%+v", d.Hosts)
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:2375": true, "localhost:1": true, "[::1]:1": true, "0.0.0.0:2375": false, ":2375": false,
		"10.0.0.1": false, "127.9.9.9/x": true, "[::]:1": false, "": false} {
		if got := loopback(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

// TestValidate: what counts as valid here dockerd takes, and what does not it
// refuses.
func TestValidate(t *testing.T) {
	dockerd, err := exec.LookPath("dockerd")
	if err != nil {
		t.Log("no dockerd here: its answers are those that were seen")
	}
	for _, tt := range []struct {
		text  string
		flags string
		valid bool
	}{
		{"{}", "", true}, {`{"icc": false}`, "", true}, {`{"icc": "no"}`, "", false}, {`{"log-level": true}`, "", false},
		{`{"icc": false,}`, "", false}, {`{"icc": false} x`, "", false}, {`[]`, "", false}, {`{"hosts": "tcp://x"}`, "", false},
		{`{"icc": false}`, "--icc=true", false}, {`{"hosts": ["tcp://127.0.0.1:1"]}`, "-H fd://", false}, {`{"hosts": []}`, "-H fd://", true},
		{`{"live-restore": true}`, "--icc=false", true}, {`{`, "", false}, {"", "", true}, {`{"storage-driver": "vfs"}`, "-s vfs", false},
	} {
		d := Docker{Valid: true}
		d.empty()
		flags, _ := parseFlags(cmdline.Split(tt.flags), "unit", 1)
		d.flags(flagList{flags: flags})
		keys, err := topLevel([]byte(tt.text))
		if err != nil {
			d.refuse("%v", err)
		}
		for _, k := range keys {
			d.fileKey("daemon.json", k)
		}
		if d.Valid != tt.valid || d.Valid == (d.Problem != "") {
			t.Errorf("%s with %q: valid %v, %s", tt.text, tt.flags, d.Valid, d.Problem)
		}
		if dockerd == "" {
			continue
		}
		file := filepath.Join(t.TempDir(), "daemon.json")
		must(t, os.WriteFile(file, []byte(tt.text), 0o600))
		out, err := exec.Command(dockerd, append(cmdline.Split(tt.flags), "--validate", "--config-file", file)...).CombinedOutput()
		if (err == nil) != tt.valid {
			t.Errorf("%s with %q: dockerd says %v: %s", tt.text, tt.flags, err, out)
		}
	}
}

// TestContainers: those below the data-root are read.
func TestContainers(t *testing.T) {
	f := docker(t, map[string]string{"etc/docker/daemon.json": `{"data-root": "/srv/docker"}`, "srv/docker/containers/" + strings.Repeat("a", 64) + "/config.v2.json": `{`})
	if !f.Containers.Known || len(f.Containers.List) != 1 || f.Containers.List[0].Error == "" || !slices.Contains(f.Meta.Depends, "/srv/docker/containers") {
		t.Errorf("%+v, %v", f.Containers, f.Meta.Depends)
	}
}

func TestEngines(t *testing.T) {
	f := read(t, host(t, map[string]string{"usr/bin/podman": "", "usr/bin/containerd": "", "usr/bin/kubelet": "", "usr/bin/lxd": "",
		"etc/containers/registries.conf": "unqualified-search-registries = [\"docker.io\"]\n[[registry]]\nlocation = \"reg.lan\"\ninsecure = true\n" +
			"[[registry.mirror]]\nlocation = \"mirror.lan\"\ninsecure = true\n[registries.insecure]\nregistries = ['old.lan']\n",
		"etc/containers/registries.conf.d/x.conf": "unqualified-search-registries = [\"a\", \"b\"]\nshort-name-mode = \"enforcing\"\n",
		"etc/containers/registries.conf.d/README": "not read",
		"etc/containerd/config.toml":              "version = 2\n[grpc]\n  address = \"/run/x.sock\"\n  tcp_address = \"0.0.0.0:5000\"\n",
		"var/lib/kubelet/config.yaml":             "authentication:\n  anonymous:\n    enabled: true\nreadOnlyPort: 10255\n",
		"etc/systemd/system/kubelet.service":      "[Service]\nEnvironment=\"A=--authorization-mode=AlwaysAllow\"\nExecStart=/usr/bin/kubelet $A --read-only-port=0\n"}))
	var insecure, search []string
	for _, i := range f.Podman.Insecure {
		insecure = append(insecure, i.Value)
	}
	for _, s := range f.Podman.Search {
		search = append(search, s.Value)
	}
	if diff := cmp.Diff([]string{"mirror.lan", "reg.lan", "old.lan"}, insecure); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, search); diff != "" || f.Podman.ShortName.Value != "enforcing" {
		t.Error(diff, f.Podman.ShortName)
	}
	if f.Containerd.TCP.Value != "0.0.0.0:5000" || f.Containerd.TCP.Line != 2 {
		t.Errorf("%+v", f.Containerd)
	}
	k := f.Kubelet
	if k.Anonymous.Value != "true" || k.Anonymous.Line != 3 || k.Authorization.Value != "AlwaysAllow" || k.ReadOnlyPort.Value != "0" {
		t.Errorf("%+v", k)
	}
	if len(f.LXD.Members) != 1 || f.LXD.Members[0].Name != "cay" || f.LXD.Members[0].Admin {
		t.Errorf("%+v", f.LXD)
	}
	open := read(t, host(t, map[string]string{"usr/bin/kubelet": ""})).Kubelet
	if open.Anonymous.Value != "true" || open.Authorization.Value != "AlwaysAllow" || open.ReadOnlyPort.Value != "10255" {
		t.Errorf("without a file: %+v", open)
	}
}

// TestFiles: modes of what is there, and of nothing else.
func TestFiles(t *testing.T) {
	at := host(t, map[string]string{"usr/sbin/dockerd": "", "etc/docker/daemon.json": `{"tlskey": "/etc/docker/key.pem"}`, "etc/docker/key.pem": ""})
	must(t, os.Chmod(filepath.Join(at, "etc/docker/key.pem"), 0o640))
	must(t, os.Chown(filepath.Join(at, "etc/docker/key.pem"), 0, 999))
	got := map[string]string{}
	for _, f := range read(t, at).Files {
		got[f.Path] = f.Kind + " " + f.Text
	}
	want := map[string]string{"/etc/docker": "config 0755 root:root", "/etc/docker/daemon.json": "config 0644 root:root", "/etc/docker/key.pem": "secret 0640 root:docker"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestHostile: a FIFO, a file without end or an endless alias is no configuration.
func TestHostile(t *testing.T) {
	at := host(t, map[string]string{"usr/sbin/dockerd": "", "usr/bin/podman": "", "usr/bin/containerd": strings.Repeat("x", 10), "usr/bin/kubelet": "",
		"etc/containerd/config.toml":  strings.Repeat("a = 1\n", 400_000),
		"var/lib/kubelet/config.yaml": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nauthentication: *b\nx: *x\n"})
	must(t, os.MkdirAll(filepath.Join(at, "etc/docker"), 0o755))
	must(t, os.MkdirAll(filepath.Join(at, "etc/containers"), 0o755))
	must(t, unix.Mkfifo(filepath.Join(at, "etc/docker/daemon.json"), 0o644))
	must(t, unix.Mkfifo(filepath.Join(at, "etc/containers/registries.conf"), 0o644))
	f := read(t, at)
	if f.Docker.Known || f.Podman.Known || f.Containerd.Known || f.Kubelet.Known {
		t.Errorf("%v %v %v %v", f.Docker.Known, f.Podman.Known, f.Containerd.Known, f.Kubelet.Known)
	}
	for _, reason := range []string{f.Docker.Reason, f.Podman.Reason, f.Containerd.Reason, f.Kubelet.Reason} {
		if reason == "" {
			t.Error("no reason is given")
		}
	}
}

// TestBounds: a list that is cut, or of which something could not be read, says so, and
// no other does. Each has one more than there may be, and is whole without.
func TestBounds(t *testing.T) {
	const unit = "usr/lib/systemd/system/docker.service"
	list := func(one string, n int) string { return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]" }
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	one := func(name string, text func(more int) string) func(int) map[string]string {
		return func(more int) map[string]string { return map[string]string{name: text(more)} }
	}
	for name, tt := range map[string]struct {
		files func(more int) map[string]string
		want  string
	}{
		"hosts": {func(more int) map[string]string {
			return map[string]string{unit: "[Service]\nExecStart=/usr/sbin/dockerd\n", "etc/docker/daemon.json": `{"hosts":` + list(`"fd://"`, maxList+more) + "}"}
		}, "docker.hosts"},
		"registries": {one("etc/docker/daemon.json", func(more int) string { return `{"insecure-registries":` + list(`"x"`, maxList+more) + "}" }), "docker.insecure"},
		"members": {func(more int) map[string]string {
			return map[string]string{"etc/passwd": "root:x:0:0:::\n" + numbered("u%[1]d:x:%[1]d:999::/:\n", maxList+1+more)[len("u0:x:0:999::/:\n"):], "etc/group": "docker:x:999:\n"}
		}, "docker.members"},
		"lxd": {func(more int) map[string]string {
			return map[string]string{"usr/bin/lxd": "", "etc/group": "lxd:x:998:" + numbered("u%d,", maxList+more)}
		}, "lxd.members"},
		"flags": {one(unit, func(more int) string {
			return "[Service]\nExecStart=/dockerd" + strings.Repeat(" --x=y", maxList+more) + "\n"
		}), "containers docker"},
		"a variable":  {one("etc/default/docker", func(more int) string { return strings.Repeat("\n", 1<<20+more) }), "containers docker"},
		"a unit":      {one(unit, func(more int) string { return strings.Repeat("\n", 256<<10+more) }), "containers docker"},
		"a socket":    {one("usr/lib/systemd/system/docker.socket", func(more int) string { return strings.Repeat("\n", 256<<10+more) }), "docker.hosts"},
		"a firewall":  {one("etc/ufw/ufw.conf", func(more int) string { return strings.Repeat("\n", 1<<20+more) }), "docker.firewall"},
		"environment": {one("etc/default/docker", func(more int) string { return numbered("A%d=x\n", maxList+more) + "A0=y\n" }), "containers docker"},
		"containers": {func(more int) map[string]string {
			files := map[string]string{}
			for i := range maxList + more {
				files[fmt.Sprintf("var/lib/docker/containers/%064d/config.v2.json", i)] = "{}"
			}
			return files
		}, "containers.list"},
		"mounts": {func(more int) map[string]string {
			dir := "var/lib/docker/containers/" + strings.Repeat("a", 64)
			return map[string]string{dir + "/config.v2.json": "{}", dir + "/hostconfig.json": `{"Binds":` + list(`"/etc:/x"`, maxList+more) + "}"}
		}, "containers.list"},
		"search": {func(more int) map[string]string {
			return map[string]string{"usr/bin/podman": "", "etc/containers/registries.conf": "unqualified-search-registries = " + list(`"x"`, maxList+more) + "\n"}
		}, "podman.search"},
		"insecure": {func(more int) map[string]string {
			return map[string]string{"usr/bin/podman": "", "etc/containers/registries.conf": strings.Repeat("[[registry]]\ninsecure = true\n", maxList+more)}
		}, "podman.insecure"},
		"insecure of old": {func(more int) map[string]string {
			return map[string]string{"usr/bin/podman": "", "etc/containers/registries.conf": "[registries.insecure]\nregistries = " + list(`"x"`, maxList+more) + "\n"}
		}, "podman.insecure"},
		"drop-ins": {func(more int) map[string]string {
			files := map[string]string{"usr/bin/podman": ""}
			for i := range maxList - 1 + more {
				files[fmt.Sprintf("etc/containers/registries.conf.d/%d.conf", i)] = ""
			}
			return files
		}, "podman"},
		"the kubelet": {func(more int) map[string]string {
			return map[string]string{"usr/bin/kubelet": "", "etc/systemd/system/kubelet.service": "[Service]\nExecStart=/kubelet" + strings.Repeat(" --x=y", maxList+more) + "\n"}
		}, "kubelet"},
	} {
		for more, want := range []string{"", tt.want} {
			f := docker(t, tt.files(more))
			if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); got != want || f.Meta.State != fact.StateKnown {
				t.Errorf("%s, %d more: %q, want %q", name, more, f.Meta.Partial, want)
			}
		}
	}
}

func FuzzDaemonFile(f *testing.F) {
	f.Add([]byte(`{"icc": false, "hosts": ["tcp://[::1]:2375"], "log-opts": {"max-size": 5}}`), "-H fd:// --icc=false $A ${B}")
	f.Add([]byte(`{"a": {"b": [1, 2]}, "a": null}`), `"quoted word" --x`)
	f.Fuzz(func(t *testing.T, b []byte, line string) {
		d := Docker{Valid: true}
		d.empty()
		words, _ := cmdline.Expand(cmdline.Split(line), map[string]string{"A": line})
		flags, _ := parseFlags(words, "u", 1)
		d.flags(flagList{flags: flags})
		keys, err := topLevel(b)
		if err == nil && len(keys) > 0 && !json.Valid(b) {
			t.Errorf("%q is taken", b)
		}
		for _, k := range keys {
			d.fileKey("f", k)
		}
		if d.Valid == (d.Problem != "") || len(d.Hosts) > maxList+1 {
			t.Errorf("%+v", d)
		}
	})
}

func FuzzKubelet(f *testing.F) {
	f.Add([]byte("authentication:\n  anonymous:\n    enabled: true\n"))
	f.Add([]byte("- a\n- &x [*x]\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var n yaml.Node
		if yaml.Unmarshal(doc, &n) == nil {
			var into fact.Text
			from(&n, "f", &into, "authentication", "anonymous", "enabled")
			if into.Set && into.Line < 1 {
				t.Errorf("%+v", into)
			}
		}
	})
}
