package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// AddFormat adds --format with its values, the first of which is the default.
func AddFormat(cmd *cobra.Command, format *string, values ...string) {
	cmd.Flags().StringVar(format, "format", values[0], "output format: "+strings.Join(values, " or "))
	err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		cmd.Long += "\n" + err.Error() // cannot be: the flag was added above
	}
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(values, *format) {
			return fmt.Errorf("--format %s: want %s", *format, strings.Join(values, " or "))
		}
		return nil
	}
}

// Messages takes joined errors apart: what each of them says.
func Messages(err error) []string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	var list []string
	for _, one := range joined.Unwrap() {
		list = append(list, Messages(one)...)
	}
	if strings.Join(list, "\n") != err.Error() { // more than its parts: fmt.Errorf
		return []string{err.Error()}
	}
	return list
}
