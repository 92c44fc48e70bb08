package usage

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// help returns what a program with some commands says of itself or of one of them.
func help(t *testing.T, line ...string) string {
	t.Helper()
	var out bytes.Buffer
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "prog", Short: "A program", Run: run}
	root.PersistentFlags().String("store", "", "`URL` of the database")
	user := &cobra.Command{Use: "user", Short: "People", Run: run}
	add := &cobra.Command{Use: "add NAME", Short: "Make a user", Run: run}
	add.Flags().String("role", "", "`role` of the user")
	user.AddCommand(add)
	root.AddCommand(user, &cobra.Command{Use: "run", Short: "Run it", Run: run}, &cobra.Command{Use: "token", Short: "Invite", Run: run})
	Arrange(root)
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append(line, "--help"))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestHelp holds the layout, byte for byte: settings stand in the program's own help
// alone, and a command's in its own.
func TestHelp(t *testing.T) {
	for line, want := range map[string]string{
		"": `A program

Usage:
  prog [flags]
  prog [command]

The collector:
  completion  Generate the autocompletion script for the specified shell
  help        Help about any command
  run         Run it

Hosts:
  token       Invite

Findings:

People:
  user        People

What is kept:

Flags:
  -h, --help        help for prog
      --store URL   URL of the database

Use "prog [command] --help" for more information about a command.
`,
		"add": `Make a user

Usage:
  prog user add NAME [flags]

Flags:
  -h, --help        help for add
      --role role   role of the user

Each setting of the collector is an option here, too, as --config, --state-dir or --store:
prog --help
`,
	} {
		var words []string
		if line != "" {
			words = []string{"user", line}
		}
		if diff := cmp.Diff(want, help(t, words...)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}
