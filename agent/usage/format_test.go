package usage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestFormat(t *testing.T) {
	for line, want := range map[string]string{"": "table", "--format json": "json", "--format xml": "error: --format xml: want table or json"} {
		var format string
		cmd := &cobra.Command{Use: "c", RunE: func(*cobra.Command, []string) error { return nil }, SilenceErrors: true, SilenceUsage: true}
		AddFormat(cmd, &format, "table", "json")
		cmd.SetArgs(strings.Fields(line))
		if err := cmd.Execute(); err != nil {
			format = "error: " + err.Error()
		}
		if format != want {
			t.Errorf("%q: got %s, want %s", line, format, want)
		}
	}
}

func TestMessages(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{a, []string{"a"}},
		{errors.Join(a, b), []string{"a", "b"}},
		{errors.Join(a, errors.Join(b, c)), []string{"a", "b", "c"}},
		{fmt.Errorf("x: %w", errors.Join(a, b)), []string{"x: a\nb"}},
		{fmt.Errorf("%w and %w", a, b), []string{"a and b"}},
	} {
		if got := Messages(tt.err); !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}
