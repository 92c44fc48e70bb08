package witness

import (
	"testing"

	"seawall/agent/cause"
	"seawall/pkg/audit"
)

// TestConcernsAllocatesNothing: most events change what nobody asked for.
func TestConcernsAllocatesNothing(t *testing.T) {
	w := cause.Watch([]string{"/etc/ssh/sshd_config", "/etc/pam.d/"})
	e := &audit.Event{HasSyscall: true, Success: true, Arch: 0xc000003e, Syscall: 257, CWD: []byte("/srv"), Args: [4]uint64{0xffffff9c, 0, 1},
		Paths: []audit.Path{{Name: []byte("data/file"), Nametype: audit.NametypeNormal}}}
	var buf []byte
	var may bool
	if n := testing.AllocsPerRun(100, func() { may, buf = concerns(w, e, buf) }); n > 0 || may {
		t.Errorf("%v allocations, %v", n, may)
	}
	for _, name := range []string{"/etc/pam.d/sshd", "/etc/ssh", "../etc/ssh//sshd_config"} {
		e.Paths[0].Name = []byte(name)
		if may, _ = concerns(w, e, nil); !may {
			t.Errorf("%s does not matter", name)
		}
	}
	e.Paths[0].Name, e.Args[0] = []byte("sshd"), 5
	if may, _ = concerns(w, e, nil); !may {
		t.Error("a file below a directory that the kernel did not name does not matter")
	}
}
