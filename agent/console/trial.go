package console

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"seawall/pkg/text"
)

// Trial is what was found in files of rules, and what became of the examples in them.
type Trial struct {
	Problems []error  // the files would not load
	Failures []error  // examples that came out otherwise
	Warnings []string // what is allowed and should not be
	Rules    int
	Examples int
}

// Print writes the trial of rules of a kind, such as "checks", for people and for editors,
// and returns the exit status: 2 where a file would not load, 1 where an example failed.
func (t *Trial) Print(w io.Writer, kind string) (int, error) {
	out := bufio.NewWriter(w)
	for _, err := range slices.Concat(t.Problems, t.Failures) {
		fmt.Fprintln(out, text.Terminal(text.Clean(err.Error(), text.Limit)))
	}
	for _, warning := range t.Warnings {
		fmt.Fprintln(out, text.Terminal(text.Clean(warning, text.Limit)))
	}
	code := 0
	switch {
	case len(t.Problems) > 0:
		code = Problem
	case len(t.Failures) > 0:
		code = Findings
		fmt.Fprintf(out, "%d of %d examples failed\n", len(t.Failures), t.Examples)
	default:
		fmt.Fprintf(out, "%s: %d, examples: %d, all as they should be\n", kind, t.Rules, t.Examples)
	}
	return code, out.Flush()
}
