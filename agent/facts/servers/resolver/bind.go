package resolver

import (
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/bindconf"
	"seawall/pkg/hostfs"
)

// Answers are those of name servers.
type Answers struct {
	Open     []answer.Answer `json:"open"`     // resolves any name for strangers
	Transfer []answer.Answer `json:"transfer"` // hands out whole zones
}

// match is what an address match list says to a stranger.
type match int

const (
	none    match = iota // no element matches
	allowed              // an element matches
	denied               // an element that denies matches
	unsure               // an element that depends on something else could match
)

const (
	maxNested = 16  // how deep lists name other lists: what is deeper is not known
	maxZones  = 200 // of a view
)

// bind is a configuration that is asked.
type bind struct {
	acls    map[string][]bindconf.Statement
	options []bindconf.Statement
}

// Bind asks named's configuration, which starts with file.
func (a *Answers) Bind(root hostfs.Root, file string) (watch []string, err error) {
	tree, err := bindconf.Load(root, file)
	if err != nil {
		open := answer.New("bind", "")
		open.Unknown("%v", err)
		a.Open = append(a.Open, open)
		return tree.Watch, err
	}
	b := bind{acls: map[string][]bindconf.Statement{}}
	for _, s := range bindconf.All(tree.Statements, "acl") {
		b.acls[strings.ToLower(s.Word(1))] = s.Block()
	}
	if o := bindconf.Last(tree.Statements, "options"); o != nil {
		b.options = o.Block()
	}
	views := bindconf.All(tree.Statements, "view")
	if len(views) == 0 {
		views = []bindconf.Statement{{Words: []string{"view", ""}, Blocks: [][]bindconf.Statement{tree.Statements}}}
	}
	for i := range views {
		a.Open = append(a.Open, b.recursion(views[i].Word(1), views[i].Block()))
		a.Transfer = append(a.Transfer, b.transfers(views[i].Word(1), views[i].Block())...)
	}
	return tree.Watch, nil
}

// option is the last statement of a name in a view, or else in the options.
func (b *bind) option(view []bindconf.Statement, name string) *bindconf.Statement {
	if s := bindconf.Last(view, name); s != nil {
		return s
	}
	return bindconf.Last(b.options, name)
}

// list evaluates an address match list for a stranger.
func (b *bind) list(list []bindconf.Statement, depth int) match {
	if depth > maxNested {
		return unsure
	}
	for i := range list {
		s := &list[i]
		words, negated := s.Words, false
		for len(words) > 0 && words[0] == "!" {
			words, negated = words[1:], !negated
		}
		m := b.element(words, s.Block(), depth)
		switch {
		case m == unsure:
			return unsure
		case m != allowed:
			continue
		case negated:
			return denied
		}
		return allowed
	}
	return none
}

func (b *bind) element(words []string, block []bindconf.Statement, depth int) match {
	if block != nil {
		return b.list(block, depth+1)
	}
	if len(words) == 0 {
		return none
	}
	switch name := strings.ToLower(words[0]); name {
	case "any":
		return allowed
	case "none", "localhost", "localnets", "key":
		return none
	case "geoip", "ecs":
		return unsure
	default:
		if acl, ok := b.acls[name]; ok {
			return b.list(acl, depth+1)
		}
		if n, ok := answer.Network(name); ok && answer.Wide(n) {
			return allowed
		}
		return none
	}
}

// recursion asks one view.
func (b *bind) recursion(view string, block []bindconf.Statement) answer.Answer {
	out := answer.New("bind", view)
	var listens []*bindconf.Statement
	out.Public, listens = b.public()
	if s := b.option(block, "match-clients"); s != nil && b.list(s.Block(), 0) != allowed && b.list(s.Block(), 0) != unsure {
		out.At(s.File, s.Line, words(s))
		out.Say(false, "match-clients keeps strangers out of the view")
		return out
	}
	if s := b.option(block, "recursion"); s != nil && slices.Contains([]string{"no", "false", "0"}, strings.ToLower(s.Word(1))) {
		out.At(s.File, s.Line, words(s))
		out.Say(false, "recursion no")
		return out
	}
	if !out.Public {
		for _, s := range listens {
			out.At(s.File, s.Line, words(s))
		}
		out.Say(false, "named listens on loopback alone")
		return out
	}
	// Both have to let him: each of the two stands in for the other.
	b.first(&out, block, "allow-recursion", "allow-query-cache", "allow-query")
	if out.Allowed {
		b.first(&out, block, "allow-query-cache", "allow-recursion", "allow-query")
	}
	return out
}

// first asks the first list that is set.
func (b *bind) first(out *answer.Answer, block []bindconf.Statement, names ...string) {
	for _, name := range names {
		s := b.option(block, name)
		if s == nil {
			continue
		}
		out.At(s.File, s.Line, words(s))
		switch b.list(s.Block(), 0) {
		case allowed:
			out.Say(true, "%s has strangers in it", name)
		case unsure:
			out.Unknown("%s depends on more than addresses", name)
		case none, denied:
			out.Say(false, "%s has no strangers in it", name)
		}
		return
	}
	out.Say(false, "by default only the host's own networks may")
}

// public reports whether named listens on more than loopback, and what says so.
func (b *bind) public() (bool, []*bindconf.Statement) {
	var seen []*bindconf.Statement
	for _, name := range []string{"listen-on", "listen-on-v6"} {
		all := bindconf.All(b.options, name)
		if len(all) == 0 {
			return true, nil
		}
		for i := range all {
			for _, e := range all[i].Block() {
				if w := strings.ToLower(e.Word(0)); w != "none" && w != "localhost" && !answer.Loopback(w) {
					return true, nil
				}
			}
			seen = append(seen, &all[i])
		}
	}
	return false, seen
}

// transfers asks the zones of which this server has the original.
func (b *bind) transfers(view string, block []bindconf.Statement) []answer.Answer {
	var all []answer.Answer
	for _, zone := range bindconf.All(block, "zone") {
		kind := bindconf.Last(zone.Block(), "type")
		if kind == nil || !slices.Contains([]string{"master", "primary"}, strings.ToLower(kind.Word(1))) || local(zone.Word(1)) {
			continue
		}
		if len(all) == maxZones {
			all = append(all, answer.More("bind"))
			break
		}
		out := answer.New("bind", strings.TrimSpace(view+" "+zone.Word(1)))
		out.Public, _ = b.public()
		s := bindconf.Last(zone.Block(), "allow-transfer")
		if s == nil {
			s = b.option(block, "allow-transfer")
		}
		if s == nil {
			out.At(zone.File, zone.Line, "zone \""+zone.Word(1)+"\"")
			out.Say(out.Public, "allow-transfer is not set: before BIND 9.20 anybody may")
		} else {
			out.At(s.File, s.Line, words(s))
			switch b.list(s.Block(), 0) {
			case allowed:
				out.Say(out.Public, "allow-transfer has strangers in it")
			case unsure:
				out.Unknown("allow-transfer depends on more than addresses")
			case none, denied:
				out.Say(false, "allow-transfer has no strangers in it")
			}
		}
		all = append(all, out)
	}
	return all
}

// local are the zones that every resolver has: loopback and broadcast.
func local(zone string) bool {
	zone = strings.ToLower(strings.TrimSuffix(zone, "."))
	return zone == "localhost" || zone == "localhost.localdomain" || zone == "255.in-addr.arpa" || zone == "0.in-addr.arpa" ||
		zone == "127.in-addr.arpa" || zone == "0.0.127.in-addr.arpa" || zone == "1.0.0.127.in-addr.arpa" || strings.HasSuffix(zone, "ip6.arpa")
}

// words shows a statement as evidence.
func words(s *bindconf.Statement) string {
	var b strings.Builder
	b.WriteString(strings.Join(s.Words, " "))
	for _, block := range s.Blocks {
		b.WriteString(" {")
		for i := range block {
			b.WriteString(" " + strings.Join(block[i].Words, " ") + ";")
			if b.Len() > 200 {
				return b.String() + " …"
			}
		}
		b.WriteString(" }")
	}
	return b.String()
}
