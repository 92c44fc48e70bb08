package kernel

import (
	"context"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/mac"
	"seawall/pkg/distro"
	"seawall/pkg/hostfs"
	"seawall/pkg/shellconf"
	"seawall/pkg/text"
)

// Network asks for the running values of settings of /proc/sys/net in the host's
// network, on behalf of a process that is in another one.
type Network func(context.Context, fact.Env) (map[string]string, error)

// Read reads how the kernel is set and what it is. network may be nil.
func Read(ctx context.Context, env fact.Env, network Network) Facts {
	begin := time.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}}
	if env.Live() {
		f.Container = container(env.Root)
		release, _ := running(env.Root, "kernel.osrelease")
		f.Release = text.Clean(release, maxValue)
	}
	readSysctl(ctx, &f, env, network)
	readModules(&f, env)
	readCPU(&f, env)
	readCore(&f, env)
	f.MAC = mac.Read(env, f.Container)
	f.Apport = apport(env.Root)
	const prelink = "/usr/sbin/prelink"
	f.Prelink = fact.Tri{Known: true, Yes: env.Root.Exists(prelink), Reason: prelink}
	f.Meta.Depend(append(mac.Files(), apportFile, prelink)...)
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

const apportFile = "/etc/default/apport"

// apport says whether Ubuntu's crash reports are on. They are where nothing says
// otherwise.
func apport(root hostfs.Root) fact.Text {
	if !root.Exists("/usr/share/apport/apport") {
		return fact.Text{}
	}
	b, _ := root.ReadFile(apportFile, 0) // without it the default is in force
	t := fact.Text(shellconf.Last(apportFile, b, "enabled"))
	if !t.Set {
		t = fact.Text{Value: "1"}
	}
	return t
}
