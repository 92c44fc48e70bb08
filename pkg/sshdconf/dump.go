package sshdconf

import "strings"

// ParseDump reads what sshd -T prints: for each keyword, in lower case whatever
// the release prints, the values of its lines in their order.
func ParseDump(out string) map[string][]string {
	settings := make(map[string][]string, 100)
	for line := range strings.Lines(out) {
		keyword, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if keyword == "" || keyword[0] == '#' {
			continue
		}
		keyword = strings.ToLower(keyword)
		settings[keyword] = append(settings[keyword], value)
	}
	return settings
}
