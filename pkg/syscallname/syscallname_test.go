package syscallname

import (
	"testing"

	"github.com/elastic/go-libaudit/v2/auparse"
)

func TestName(t *testing.T) {
	for _, tt := range []struct {
		arch   uint32
		number int
		want   string
	}{
		{0xc000003e, 257, "openat"},
		{0xc000003e, 452, "fchmodat2"},
		{0x40000003, 5, "open"},
		{0xc00000b7, 56, "openat"},
		{0x40000028, 5, "open"},
		{0xc000003e, 463, "setxattrat"},
		{0x40000028, 466, "removexattrat"},
		{0xc00000b7, 469, "file_setattr"},
		{0xc000003e, 470, ""},
		{0xc000003e, 462, "mseal"},
		{0xc000003e, 1<<30 + 257, "openat"},
		{0xc000003e, 1<<30 + 600, ""},
		{0x40000003, 1<<30 + 5, ""},
		{0x40000003, 102, "socketcall"},
		{0x12345678, 463, ""},
		{0xc000003e, -1, ""},
		{0xc000003e, 100_000, ""},
		{0x12345678, 1, ""},
	} {
		if got := Name(tt.arch, tt.number); got != tt.want {
			t.Errorf("Name(%#x, %d) = %q, want %q", tt.arch, tt.number, got, tt.want)
		}
	}
	if Name(0, 437) != "openat2" {
		t.Error("this machine's openat2 is not known")
	}
}

// What the table of this machine says is what go-libaudit's says.
func TestNative(t *testing.T) {
	for number, want := range auparse.AuditSyscalls[archName(0)] {
		if got := Name(0, number); got != want {
			t.Errorf("Name(0, %d) = %q, want %q", number, got, want)
		}
	}
}

func TestUring(t *testing.T) {
	for op, want := range map[int]string{18: "uring_openat", 28: "uring_openat", 35: "uring_renameat", 36: "uring_unlinkat", 0: ""} {
		if got := Uring(op); got != want {
			t.Errorf("Uring(%d) = %q, want %q", op, got, want)
		}
	}
}
