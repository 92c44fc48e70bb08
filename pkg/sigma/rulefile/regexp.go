package rulefile

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
)

// Bounds of a regular expression: of its text, and of the program made of it, each
// step of which can be taken at each character of a value.
const (
	maxRegexp = 2 << 10
	maxSteps  = 1_000
)

// expression checks a regular expression and puts flags into it.
func expression(text, flags string) (string, error) {
	if len(text) > maxRegexp {
		return "", fmt.Errorf("the regular expression is longer than %d bytes; make several of it", maxRegexp)
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		var fault *syntax.Error
		if errors.As(err, &fault) && strings.HasPrefix(fault.Expr, "(?") {
			return "", fmt.Errorf("regular expression: %q looks ahead or behind, which RE2 does not have; use a second selection and \"not\"", fault.Expr)
		}
		return "", fmt.Errorf("regular expression: %w", err)
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return "", fmt.Errorf("regular expression: %w", err)
	}
	if len(prog.Inst) > maxSteps {
		return "", fmt.Errorf("the regular expression has %d steps, more than %d; repeat less", len(prog.Inst), maxSteps)
	}
	return text, nil
}
