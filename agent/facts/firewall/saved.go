package firewall

import (
	"path"
	"slices"
	"strings"

	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// Saved is a manager that loads rules from files.
type Saved struct {
	Service
	Files []RulesFile `json:"files"`
}

// RulesFile is a file of rules that is loaded at boot.
type RulesFile struct {
	Path   string `json:"path"`
	Error  string `json:"error"`
	Chains int    `json:"chains"` // those that the kernel calls
	IPv4   bool   `json:"ipv4"`   // it has rules for it
	IPv6   bool   `json:"ipv6"`
	// Input says what the chains for input do with what no rule names: drop, accept,
	// or "" where there is none.
	Input string `json:"input"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"`
}

func (s *Saved) rules() bool {
	return slices.ContainsFunc(s.Files, func(f RulesFile) bool { return f.Chains > 0 || f.Error != "" })
}

const (
	maxIncluded = 64
	maxTokens   = 200_000
)

// nftables reads the files that nftables.service gives to nft -f, and those that they
// include.
func (r *reader) nftables() Saved {
	s := Saved{Service: r.service("/usr/sbin/nft", "nftables.service"), Files: []RulesFile{}}
	if !s.Installed {
		return s
	}
	queue := r.given()
	for i := 0; i < len(queue); i++ {
		f := RulesFile{Path: text.Clean(queue[i], maxRaw)}
		if i == maxIncluded {
			f.Error = f.Path + ": more files are included than are looked at"
			s.Files = append(s.Files, f)
			break
		}
		data, err := r.read(queue[i])
		if err != nil {
			f.Error = text.Clean(err.Error(), maxRaw)
		}
		for _, name := range f.parseNft(data) {
			for _, found := range r.glob(name, path.Dir(queue[i])) {
				if !slices.Contains(queue, found) {
					queue = append(queue, found)
				}
			}
		}
		s.Files = append(s.Files, f)
	}
	return s
}

// given returns the names after -f in the unit's ExecStart=.
func (r *reader) given() []string {
	u, err := unitfile.Load(r.root, "nftables.service")
	if err != nil {
		return []string{"/etc/nftables.conf"}
	}
	var list []string
	for _, v := range u.Values("Service", "ExecStart") {
		words := strings.Fields(v.Value)
		for i, w := range words[:max(len(words)-1, 0)] {
			if name := strings.Trim(words[i+1], `"'`); w == "-f" && strings.HasPrefix(name, "/") {
				list = append(list, name)
			}
		}
	}
	if len(list) == 0 {
		list = append(list, "/etc/nftables.conf")
	}
	return list
}

// glob returns the files that an include names.
func (r *reader) glob(name, dir string) []string {
	if !strings.HasPrefix(name, "/") {
		name = path.Join(dir, name)
	}
	if !strings.ContainsAny(path.Base(name), "*?[") {
		return []string{path.Clean(name)}
	}
	r.meta.Depend(path.Dir(name) + "/")
	names, _ := r.root.ReadDir(path.Dir(name)) // it need not be there
	var list []string
	for _, n := range names {
		if ok, err := path.Match(path.Base(name), n); ok && err == nil && len(list) <= maxIncluded { // one more is an error
			list = append(list, path.Join(path.Dir(name), n))
		}
	}
	return list
}

// token is a word of nft's language and the line it stands in.
type token struct {
	word string
	line int
}

// tokens splits a file as nft does, as far as it matters here: words, strings, braces
// and ends of statements (";" for a newline, too). more says that it left some out.
func tokens(data string) (list []token, more bool) {
	line, start := 1, -1
	end := func(i int) {
		if start >= 0 {
			list = append(list, token{data[start:i], line})
			start = -1
		}
	}
	for i := 0; i < len(data); i++ {
		if len(list) >= maxTokens {
			return list, true
		}
		switch c := data[i]; c {
		case '\\':
			if i+1 < len(data) && data[i+1] == '\n' { // the statement goes on
				end(i)
				line++
				i++
			}
		case '#':
			end(i)
			for i+1 < len(data) && data[i+1] != '\n' {
				i++
			}
		case '"', '\'':
			end(i)
			stop := strings.IndexByte(data[i+1:], c)
			if stop < 0 {
				return list, false
			}
			list = append(list, token{data[i+1 : i+1+stop], line})
			line += strings.Count(data[i+1:i+1+stop], "\n")
			i += 1 + stop
		case ' ', '\t', '\r', '\n', ';', '{', '}':
			end(i)
			switch c {
			case '\n':
				list = append(list, token{";", line})
				line++
			case ';', '{', '}':
				list = append(list, token{string(c), line})
			}
		default:
			if start < 0 {
				start = i
			}
		}
	}
	end(len(data))
	return list, false
}

// nftFile is what is known on the way through a file.
type nftFile struct {
	*RulesFile
	family   string
	input    bool // within a chain for input
	policy   string
	depth    int
	chainAt  int // depth of the chain, 0 outside of one
	line     int
	last     string // the last rule's only verdict
	included []string
}

// parseNft reads what nft -f reads, and returns what it includes.
func (f *RulesFile) parseNft(data string) []string {
	n := nftFile{RulesFile: f}
	var statement []token
	all, more := tokens(data)
	if more {
		f.Error = f.Path + " has more words than are looked at"
	}
	for _, t := range append(all, token{";", 0}) {
		switch t.word {
		case "{":
			n.open(statement)
			statement = nil
		case "}":
			n.statement(statement)
			statement = nil
			n.close()
		case ";":
			n.statement(statement)
			statement = nil
		default:
			statement = append(statement, t)
		}
	}
	return n.included
}

func (n *nftFile) open(words []token) {
	n.depth++
	if len(words) == 0 {
		return
	}
	first := words[0].word
	if first == "add" && len(words) > 1 {
		first = words[1].word
	}
	switch first {
	case "table":
		n.family = "ip"
		if len(words) > 2 {
			n.family = words[len(words)-2].word
		}
	case "chain":
		n.chainAt, n.input, n.policy, n.last = n.depth, false, "accept", ""
	}
}

func (n *nftFile) close() {
	if n.chainAt == n.depth && n.depth > 0 {
		if n.input {
			n.judge()
		}
		n.chainAt = 0
	}
	n.depth = max(n.depth-1, 0)
}

// judge takes the strictest of several chains: each of them sees every packet.
func (n *nftFile) judge() {
	n.IPv4 = n.IPv4 || n.family == "ip" || n.family == "inet"
	n.IPv6 = n.IPv6 || n.family == "ip6" || n.family == "inet"
	drops := n.policy == "drop" || n.last == "drop" || n.last == "reject"
	if n.Input == "" || drops && n.Input == "accept" {
		n.Input, n.Line, n.Raw = "accept", n.line, "type filter hook input; policy "+n.policy
		if drops {
			n.Input = "drop"
		}
	}
}

func (n *nftFile) statement(words []token) {
	if len(words) == 0 {
		return
	}
	has := func(a, b string) bool {
		for i := 0; i+1 < len(words); i++ {
			if words[i].word == a && words[i+1].word == b {
				return true
			}
		}
		return false
	}
	switch first := words[0].word; {
	case first == "include" && len(words) > 1:
		n.included = append(n.included, words[1].word)
	case n.chainAt == 0:
	case first == "type":
		n.Chains++
		n.line = words[0].line
		n.input = has("hook", "input")
	case first == "policy" && len(words) > 1:
		n.policy = words[1].word
		n.line = words[0].line
	case n.chainAt == n.depth:
		n.last = ""
		rest := slices.DeleteFunc(slices.Clone(words), func(t token) bool { return counting(t.word) })
		if len(rest) > 0 && (len(rest) == 1 || rest[0].word == "reject") {
			n.last = rest[0].word
		}
	}
}

// counting reports whether a word is one of those that only count or log, as nft
// prints them: counter packets 0 bytes 0.
func counting(word string) bool {
	return slices.Contains([]string{"counter", "packets", "bytes", "log"}, word) || strings.Trim(word, "0123456789") == ""
}

// iptables reads the files that netfilter-persistent, or iptables.service of the
// RHEL family, restores.
func (r *reader) iptables() Saved {
	s := Saved{Service: r.service("", "netfilter-persistent.service", "iptables.service"), Files: []RulesFile{}}
	if !s.Installed {
		return s
	}
	for name, six := range map[string]bool{"/etc/iptables/rules.v4": false, "/etc/iptables/rules.v6": true, "/etc/sysconfig/iptables": false, "/etc/sysconfig/ip6tables": true} {
		data, err := r.read(name)
		if data == "" && err == nil {
			continue
		}
		f := RulesFile{Path: name, IPv4: !six, IPv6: six}
		if err != nil {
			f.Error = text.Clean(err.Error(), maxRaw)
		}
		f.parseSaved(data)
		s.Files = append(s.Files, f)
	}
	slices.SortFunc(s.Files, func(a, b RulesFile) int { return strings.Compare(a.Path, b.Path) })
	return s
}

// parseSaved reads the format of iptables-save(8).
func (f *RulesFile) parseSaved(data string) {
	table, number := "", 0
	for line := range strings.Lines(data) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if name, ok := strings.CutPrefix(words[0], "*"); ok {
			table = name
			continue
		}
		if strings.HasPrefix(words[0], ":") && len(words) > 1 && words[1] != "-" {
			f.Chains++
		}
		if input := inputOf(words); table == "filter" && input != "" {
			f.Input, f.Line, f.Raw = input, number, text.Clean(strings.TrimSpace(line), maxRaw)
		}
	}
}

// inputOf returns what a line makes of all that comes to the host, "" for nothing: the
// policy of the chain INPUT, or a rule for every packet that refuses.
func inputOf(words []string) string {
	switch {
	case words[0] == ":INPUT" && len(words) > 1 && words[1] == "DROP":
		return "drop"
	case words[0] == ":INPUT" && len(words) > 1 && words[1] != "-":
		return "accept"
	case len(words) > 3 && slices.Equal(words[:3], []string{"-A", "INPUT", "-j"}) && (words[3] == "DROP" || words[3] == "REJECT"):
		return "drop"
	}
	return ""
}
