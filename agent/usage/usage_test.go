package usage

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// tree is a program with a command of each kind.
func tree() *cobra.Command {
	run := func(*cobra.Command, []string) error { return nil }
	root := &cobra.Command{Use: "prog", Args: NoArgs, RunE: run, SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(
		&cobra.Command{Use: "none", Short: "Take nothing", Args: NoArgs, RunE: run},
		&cobra.Command{Use: "one ID", Short: "Take one", Args: One("an id"), RunE: run},
		&cobra.Command{Use: "some [NAME]", Short: "Take one or none", Args: Optional("a name"), RunE: run},
	)
	Finish(root)
	return root
}

func TestArguments(t *testing.T) {
	tests := []struct {
		line string
		want string // part of the error, "" for none
	}{
		{"", ""},
		{"none", ""},
		{"one x", ""},
		{"some", ""},
		{"some x", ""},
		{"nome", `"nome"`},
		{"none x", `prog none takes no arguments, not "x"`},
		{"one", "prog one wants one argument, an id, not 0"},
		{"one x y", "prog one wants one argument, an id, not 2"},
		{"some x y", "prog some wants one argument, a name, not 2"},
		{"none --flag", "unknown flag: --flag; see: prog none --help"},
		{"help nome", `"nome"`},
		{"help one", ""},
		{"completion fish-and-chips", `"fish-and-chips"`},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			root := tree()
			var out bytes.Buffer
			root.SetOut(&out)
			root.SetErr(&out)
			root.SetArgs(strings.Fields(tt.line))
			switch err := root.Execute(); {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
