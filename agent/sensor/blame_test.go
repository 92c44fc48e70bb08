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
	b.note("/etc/ssh/sshd_config", at(1, 2*time.Minute))
	b.note("/etc/ssh/sshd_config.d/50.conf", at(2, 5*time.Second))
	b.note("/etc/ssh/sshd_config.d/60.conf", at(3, 4*time.Second))
	b.note("/etc/ssh/sshd_config.d/60.conf", at(9, time.Hour))
	b.note("/etc/audit", at(4, 3*time.Second))
	b.note("/etc/passwd", at(5, time.Hour))
	b.note("/etc/group", at(6, 90*time.Second)) // explained the look before
	b.note("/etc/group", at(7, 3*time.Second))
	b.note("/etc/group", at(8, 1500*time.Millisecond)) // while this look ran
	b.note("/etc/shadow", at(10, 1500*time.Millisecond))
	b.note("/etc/shadow", at(11, 1200*time.Millisecond))
	b.note("/etc/shadow", at(12, 0)) // after it
	when := span{previous: now.Add(-time.Minute), start: now.Add(-2 * time.Second), end: now.Add(-time.Second)}

	tests := []struct {
		name     string
		evidence string
		stale    []string
		want     uint64 // serial, 0 for none
		sure     bool
	}{
		{"the file of the evidence", "/etc/ssh/sshd_config.d/50.conf",
			[]string{"/etc/ssh/sshd_config.d/60.conf", "/etc/ssh/sshd_config.d/50.conf"}, 2, true},
		{"else the newest", "/etc/ssh/other",
			[]string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/60.conf"}, 3, true},
		{"a file that did not change explains nothing", "/etc/ssh/sshd_config", nil, 0, false},
		{"a directory explains what is in it", "", []string{"/etc/audit/auditd.conf"}, 4, true},
		{"old causes are forgotten", "/etc/passwd", []string{"/etc/passwd"}, 0, false},
		{"a name nobody touched", "", []string{"/etc/hosts"}, 0, false},
		{"before the look rather than during it", "", []string{"/etc/group"}, 7, true},
		{"the first of those during the look, none after it", "", []string{"/etc/shadow"}, 10, true},
		{"opened before the look before, perhaps written now", "", []string{"/etc/ssh/sshd_config"}, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := finding.Result{Evidence: []finding.Evidence{{File: tt.evidence, Line: 1}}}
			var got uint64
			c, sure := b.explain(&r, tt.stale, when)
			if c != nil {
				got = c.Serial
			}
			if got != tt.want || sure != tt.sure {
				t.Errorf("serial %d, sure %v; want %d, %v", got, sure, tt.want, tt.sure)
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
		if b.find(name, span{end: now}) == nil {
			t.Errorf("%s is forgotten", name)
		}
	}
}
