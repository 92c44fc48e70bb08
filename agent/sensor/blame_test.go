package sensor

import (
	"fmt"
	"testing"
	"time"

	"seawall/pkg/finding"
)

func TestExplain(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	at := func(serial uint64, ago time.Duration) finding.Cause {
		return finding.Cause{Serial: serial, Time: now.Add(-ago)}
	}
	b := newBlame()
	b.note("/etc/ssh/sshd_config", at(1, time.Minute))
	b.note("/etc/ssh/sshd_config.d/50.conf", at(2, time.Second))
	b.note("/etc/ssh/sshd_config.d/60.conf", at(3, time.Millisecond))
	b.note("/etc/ssh/sshd_config.d/60.conf", at(9, time.Hour)) // comes late, is older
	b.note("/etc/audit", at(4, time.Minute))
	b.note("/etc/passwd", at(5, time.Hour))

	tests := []struct {
		name     string
		evidence string
		stale    []string
		want     uint64 // serial, 0 for none
	}{
		{"the file of the evidence", "/etc/ssh/sshd_config.d/50.conf",
			[]string{"/etc/ssh/sshd_config.d/60.conf", "/etc/ssh/sshd_config.d/50.conf"}, 2},
		{"else the newest", "/etc/ssh/other",
			[]string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/60.conf"}, 3},
		{"a file that did not change explains nothing", "/etc/ssh/sshd_config", nil, 0},
		{"a directory explains what is in it", "", []string{"/etc/audit/auditd.conf"}, 4},
		{"old causes are forgotten", "/etc/passwd", []string{"/etc/passwd"}, 0},
		{"a name nobody touched", "", []string{"/etc/group"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := finding.Result{Evidence: []finding.Evidence{{File: tt.evidence, Line: 1}}}
			var got uint64
			if c := b.explain(&r, tt.stale, now); c != nil {
				got = c.Serial
			}
			if got != tt.want {
				t.Errorf("serial %d, want %d", got, tt.want)
			}
		})
	}
}

func TestBlameIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	b := newBlame()
	for i := range 10 * blameNames {
		b.note(fmt.Sprintf("/etc/%d", i), finding.Cause{Serial: uint64(i), Time: now})
		b.note("/etc/often", finding.Cause{Serial: uint64(i), Time: now})
	}
	if n := len(b.byName); n > 2*blameNames {
		t.Errorf("%d names kept", n)
	}
	if n := len(b.order); n > 2*blameNames {
		t.Errorf("%d mentions kept", n)
	}
	for _, name := range []string{"/etc/often", fmt.Sprintf("/etc/%d", 10*blameNames-1)} {
		if b.find(name, now) == nil {
			t.Errorf("%s is forgotten", name)
		}
	}
}
