package apt

import (
	"regexp"
	"strings"
)

// DefaultRelease finds APT::Default-Release in one file of apt.conf, written flat
// (APT::Default-Release "stable";), the form that apt's manual and all tools
// write. The last one of a file counts.
func DefaultRelease(conf []byte) (release string, found bool) {
	setting := regexp.MustCompile(`(?i)^\s*APT::Default-Release\s+"?([^";]*)"?\s*;`)
	for line := range strings.Lines(string(conf)) {
		if m := setting.FindStringSubmatch(line); m != nil {
			release, found = m[1], true
		}
	}
	return release, found
}
