package auditlog

import (
	"bytes"
	"testing"
)

// FuzzRead holds that reading a log is reading its lines, and that none is lost without
// being counted.
func FuzzRead(f *testing.F) {
	f.Add([]byte("type=SYSCALL msg=audit(1.000:2): a=1\x1dA=b\n\n----\ntime->x\nnode=a type=EOE msg=audit(1.000:2):"))
	f.Add([]byte("type=USER msg=audit(1.000:2): pid=1 msg='\x1dUID=\"root\"'\x1dUID=\"alice\"\r\ntype=1337 msg=audit(\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		type record struct {
			typ  uint16
			text string
		}
		var want []record
		skipped := 0
		for _, line := range bytes.Split(log, []byte{'\n'}) {
			if typ, payload, ok := Line(line); ok {
				want = append(want, record{typ, string(payload)})
			} else if len(bytes.TrimSpace(line)) > 0 {
				skipped++
			}
		}
		n := 0
		got, err := Read(bytes.NewReader(log), func(typ uint16, payload []byte) {
			if n >= len(want) || want[n] != (record{typ, string(payload)}) {
				t.Errorf("record %d is %d %q", n, typ, payload)
			}
			n++
		})
		if err != nil || n != len(want) || got != skipped {
			t.Errorf("%d records and %d lines passed over, want %d and %d; %v", n, got, len(want), skipped, err)
		}
	})
}

// TestForgedTail holds that what auditd added is told from what a program sent that looks
// like it.
func TestForgedTail(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"type=SYSCALL msg=audit(1.000:2): a=1\x1dARCH=x86_64", "audit(1.000:2): a=1"},
		{"type=SOCKADDR msg=audit(1.000:2): saddr=0100001D\x1dSADDR={ saddr_fam=local path=\x1d }", "audit(1.000:2): saddr=0100001D"},
		{"type=PATH msg=audit(1.000:2): name=\"it's'\x1dOUID=\"root\"", "audit(1.000:2): name=\"it's'"},
		{"type=USER msg=audit(1.000:2): pid=1 msg='op=x'\x1dUID=\"root\"", "audit(1.000:2): pid=1 msg='op=x'"},
		{"type=USER msg=audit(1.000:2): pid=1 msg='op=x\x1dUID=\"root\" cmd=rm'", "audit(1.000:2): pid=1 msg='op=x\x1dUID=\"root\" cmd=rm'"},
		{"type=USER msg=audit(1.000:2): pid=1 msg='op=x\x1dUID=\"root\"'\x1dUID=\"alice\"", "audit(1.000:2): pid=1 msg='op=x\x1dUID=\"root\"'"},
	} {
		if _, got, ok := Line([]byte(tt.line)); !ok || string(got) != tt.want {
			t.Errorf("%q: %q, %v", tt.line, got, ok)
		}
	}
}
