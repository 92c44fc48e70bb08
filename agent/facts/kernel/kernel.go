package kernel

import (
	"context"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/distro"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Read reads how the kernel is set and what it is.
func Read(_ context.Context, env fact.Env) Facts {
	begin := time.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}}
	if env.Live() {
		f.Container = container(env.Root)
		release, _ := running(env.Root, "kernel.osrelease")
		f.Release = text.Clean(release, maxValue)
	}
	readSysctl(&f, env, distribution(env.Root))
	readModules(&f, env)
	readCPU(&f, env)
	readCore(&f, env)
	readMAC(&f, env)
	f.Apport = apport(env.Root)
	const prelink = "/usr/sbin/prelink"
	f.Prelink = fact.Tri{Known: true, Yes: env.Root.Exists(prelink), Reason: prelink}
	f.Meta.Depend("/etc/default/apport", prelink)
	f.Meta.Took = time.Since(begin)
	return f
}

// distribution is the ID of os-release.
func distribution(root hostfs.Root) string {
	for _, name := range distro.Files() {
		if b, err := root.ReadFile(name, 0); err == nil {
			return distro.ParseOS(b).ID
		}
	}
	return ""
}

// container reports whether the kernel is shared with others: systemd and the
// engines leave a mark.
func container(root hostfs.Root) bool {
	for _, name := range []string{"/run/systemd/container", "/run/.containerenv", "/.dockerenv", "/run/host/container-manager"} {
		if root.Exists(name) {
			return true
		}
	}
	_, err := root.ReadDir("/dev/lxd")
	return err == nil
}

// apport says whether Ubuntu's crash reports are on. They are where nothing says
// otherwise.
func apport(root hostfs.Root) fact.Text {
	if !root.Exists("/usr/share/apport/apport") {
		return fact.Text{}
	}
	t := shellValue(root, "/etc/default/apport", "enabled")
	if !t.Set {
		t = fact.Text{Value: "1"}
	}
	t.Value = strings.TrimSpace(t.Value)
	return t
}
