package inspect

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

// TestContainers: files of containers as Docker 20 and 28 write them, shortened.
func TestContainers(t *testing.T) {
	id := func(c string) string { return "containers/" + strings.Repeat(c, 64) + "/" }
	f, there := Read(image.Of(t, map[string]string{
		id("a") + "config.v2.json": `{"ID":"aaaa","Name":"/web","Config":{"Image":"nginx","User":"101"},"State":{"Running":true,"Pid":7}}`,
		id("a") + "hostconfig.json": `{"Binds":["/srv/www:/www:ro","/:/host:ro,rslave","vol:/data"],"NetworkMode":"default","PidMode":"","IpcMode":"private",
			"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"},{"HostIp":"127.0.0.1","HostPort":"81"}]},"Memory":1000,"PidsLimit":50,
			"ReadonlyRootfs":true,"SecurityOpt":["no-new-privileges"],"CapAdd":["NET_ADMIN"]}`,
		id("b") + "config.v2.json": `{"Name":"/bad","Config":{"Image":"x"},"State":{}}`,
		id("b") + "hostconfig.json": `{"Binds":["/var/run/docker.sock:/s:ro","/etc:/e"],"Privileged":true,"NetworkMode":"host","PidMode":"host","UTSMode":"host",
			"CapAdd":["CAP_SYS_ADMIN","ALL"],"SecurityOpt":["seccomp=unconfined","apparmor:unconfined","label=disable"],"PidsLimit":null,
			"Mounts":[{"Type":"bind","Source":"/root/","ReadOnly":false},{"Type":"volume","Source":"/etc"}],"Devices":[{"PathOnHost":"/dev/vda1"},{"PathOnHost":"/dev/fuse"}],
			"PortBindings":{"5432/tcp":[{"HostIp":"::","HostPort":"5432"}]}}`,
		id("c") + "config.v2.json":        `{`,
		"containers/other/config.v2.json": "",
	}), "/containers")
	if !there || !f.Known || len(f.List) != 3 {
		t.Fatalf("%v, %+v", there, f)
	}
	want := []Container{
		{ID: "bbbbbbbbbbbb", Name: "bad", Image: "x", Privileged: true, Socket: "/var/run/docker.sock", Mounts: []string{"/etc", "/root"},
			Namespaces: []string{"network", "pid", "uts"}, Added: []string{"SYS_ADMIN", "ALL"}, Unconfined: []string{"seccomp", "apparmor"},
			Devices: []string{"/dev/vda1"}, Published: []Port{{":::5432", "5432/tcp", "PostgreSQL"}}},
		{ID: "cccccccccccc", Name: "cccccccccccc", Error: "config.v2.json: unexpected end of JSON input", Mounts: []string{}, Namespaces: []string{},
			Added: []string{}, Unconfined: []string{}, Devices: []string{}, Published: []Port{}},
		{ID: "aaaaaaaaaaaa", Name: "web", Image: "nginx", Running: true, Mounts: []string{}, Namespaces: []string{}, Added: []string{}, Unconfined: []string{},
			Devices: []string{}, Published: []Port{{"0.0.0.0:8080", "80/tcp", ""}}, MemoryLimit: 1000, PidsLimit: 50, NoNewPrivs: true, ReadOnly: true, User: "101"},
	}
	for i := range f.List {
		f.List[i].File = ""
	}
	if diff := cmp.Diff(want, f.List); diff != "" {
		t.Error(diff)
	}
}

// TestMissing: without a directory there are no containers, and of a file in its place
// nothing is known.
func TestMissing(t *testing.T) {
	root := image.Of(t, map[string]string{"file": ""})
	if c, there := Read(root, "/none"); there || !c.Known || c.Reason != "" {
		t.Errorf("without a directory: %v, %+v", there, c)
	}
	if c, there := Read(root, "/file"); there || c.Known || c.Reason == "" {
		t.Errorf("of a file: %v, %+v", there, c)
	}
	many := map[string]string{}
	for i := range maxList + 3 {
		many["c/"+strings.Repeat("a", 61)+fmt.Sprintf("%03d", i)+"/config.v2.json"] = "{}"
	}
	if c, _ := Read(image.Of(t, many), "/c"); len(c.List) != maxList || c.More != 3 {
		t.Errorf("%d are listed, %d more", len(c.List), c.More)
	}
}

// TestBounds: what a container has more of than is listed is said.
func TestBounds(t *testing.T) {
	list := func(one string, n int) string { return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]" }
	for _, tt := range []struct{ key, one string }{{"Binds", `"/etc:/x"`}, {"Mounts", `{"Type":"bind","Source":"/etc"}`}, {"CapAdd", `"ALL"`},
		{"SecurityOpt", `"seccomp=unconfined"`}, {"Devices", `{"PathOnHost":"/dev/sda"}`}, {"PortBindings", `{"HostPort":"1"}`}} {
		for _, n := range []int{maxList, maxList + 1} {
			value := list(tt.one, n)
			if tt.key == "PortBindings" {
				value = `{"80/tcp":` + value + `,"81/tcp":[{"HostIp":"127.0.0.1"}]}`
			}
			file := "c/" + strings.Repeat("a", 64) + "/"
			c, _ := Read(image.Of(t, map[string]string{file + "config.v2.json": "{}", file + "hostconfig.json": `{"` + tt.key + `":` + value + `}`}), "/c")
			if len(c.List) != 1 || c.List[0].Error != "" || c.List[0].Cut != (n > maxList) {
				t.Errorf("%d %s: %+v", n, tt.key, c)
			}
		}
	}
}

func FuzzHostConfig(f *testing.F) {
	f.Add([]byte(`{"Binds":["/:/x"],"Devices":[{"PathOnHost":"/dev/sda"}]}`))
	f.Add([]byte(`{"PortBindings":{"80":[{}]},"CapAdd":["all"],"SecurityOpt":["a=unconfined"]}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		var h hostConfig
		if json.Unmarshal(config, &h) == nil {
			var c Container
			c.mounts(&h)
			c.isolation(&h)
			c.ports(&h)
			if len(c.Mounts)+len(c.Added) > 2*maxList {
				t.Errorf("%d, %d", len(c.Mounts), len(c.Added))
			}
		}
	})
}
