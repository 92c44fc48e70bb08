package calls

import "testing"

func TestOf(t *testing.T) {
	table := New()
	for _, tt := range []struct {
		arch   uint32
		number int
		want   Kind
	}{
		{X8664, 59, Exec}, {X8664, 322, Exec}, {X8664, 57, Fork}, {X8664, 58, Fork}, {X8664, 56, Clone}, {X8664, 435, Clone3}, {X8664, 60, Exit}, {X8664, 231, ExitGroup},
		{X8664, 59 | x32, Exec}, {X8664, 257, Other}, {X8664, -1, Other}, {X8664, numbers, Other}, {X8664, 1 << 40, Other},
		{I386, 11, Exec}, {I386, 2, Fork}, {I386, 190, Fork}, {I386, 120, Clone}, {I386, 252, ExitGroup},
		{ARM64, 221, Exec}, {ARM64, 220, Clone}, {ARM64, 93, Exit}, {ARM64, 94, ExitGroup}, {ARM, 11, Exec}, {ARM, 248, ExitGroup}, {ARM, 435, Clone3},
		{0, 59, Other},
	} {
		if got := table.Of(tt.arch, tt.number); got != tt.want {
			t.Errorf("%#x, %d: %d, want %d", tt.arch, tt.number, got, tt.want)
		}
	}
}
