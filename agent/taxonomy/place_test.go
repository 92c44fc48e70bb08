package taxonomy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/sigma/event"
)

// TestPlace: what was opened by a descriptor of its directory, or through a link, has its
// name by inode; what is not known, the name it was given.
func TestPlace(t *testing.T) {
	place := func(dev [2]uint32, inode uint64, needed bool) string {
		return map[uint64]string{2: "/etc", 7: "/etc/shadow", 9: "/etc/cron.d"}[inode]
	}
	for _, tt := range []struct {
		name  string
		paths []string
		want  []string
	}{
		{"by descriptor", []string{`name="/root" inode=2 dev=08:01 nametype=PARENT`, `name="ld.so.preload" inode=5 dev=08:01 nametype=CREATE`}, []string{"/etc/ld.so.preload"}},
		{"with directories", []string{`name="etc/cron.d/" inode=9 dev=08:01 nametype=PARENT`, `name="etc/cron.d/x" inode=5 dev=08:01 nametype=CREATE`}, []string{"/etc/cron.d/x"}},
		{"through a link", []string{`name="/tmp/l/" inode=2 dev=08:01 nametype=PARENT`, `name="/tmp/l/x" inode=5 dev=08:01 nametype=CREATE`}, []string{"/etc/x", "/tmp/l/x"}},
		{"as it is called", []string{`name="/etc/" inode=2 dev=08:01 nametype=PARENT`, `name="/etc/x" inode=5 dev=08:01 nametype=CREATE`}, []string{"/etc/x"}},
		{"the file alone", []string{`name="s" inode=7 dev=08:01 nametype=NORMAL`}, []string{"/etc/shadow"}},
		{"not known", []string{`name="/root" inode=3 dev=08:01 nametype=PARENT`, `name="x" inode=5 dev=08:01 nametype=CREATE`}, []string{"x"}},
		{"file system below", []string{`name="/root" inode=2 dev=08:01 nametype=PARENT`, `name="x" inode=5 dev=08:01 nametype=CREATE`, `name=(null) inode=9 dev=08:02 nametype=PARENT`}, []string{"/etc/x"}},
	} {
		log := syscall(1, "syscall=257 success=yes exit=5 a0=3 a1=1 a2=c1 a3=1a4 items=2 ppid=1 pid=2") + record(1, "CWD", `cwd="/root"`)
		for i, p := range tt.paths {
			log += record(1, "PATH", fmt.Sprintf("item=%d %s mode=0100644 ouid=0 ogid=0 rdev=00:00", i, p))
		}
		r := NewReader(Config{Taxonomy: For(using(t, "{product: linux, category: file_event}", "TargetFilename")), Place: place})
		var got []string
		a := audit.NewAssembler(0, func(e *audit.Event) {
			r.Read(e, Program{}, func(ev *event.Event) {
				for i := ev.First(fieldTargetFilename); i >= 0; i = ev.Next(i) {
					_, v := ev.At(i)
					got = append(got, string(v))
				}
			})
		})
		if _, err := auditlog.Read(strings.NewReader(log+record(1, "EOE", "")), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(1, 0)) }); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
