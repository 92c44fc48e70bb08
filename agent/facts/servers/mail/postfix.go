package mail

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/postfixconf"
)

// Answers are those of mail servers.
type Answers struct {
	Relay  []answer.Answer `json:"relay"`  // hands on mail of strangers to others
	Public []answer.Answer `json:"public"` // takes mail from the network at all
	Verify []answer.Answer `json:"verify"` // tells which addresses exist (VRFY)
}

// fail notes that a server could not be asked.
func (a *Answers) fail(server string, err error) {
	out := answer.New(server, "")
	out.Unknown("%v", err)
	a.Relay = append(a.Relay, out)
	a.Public = append(a.Public, out)
}

// verdict is what a list of restrictions says to a stranger.
type verdict int

const (
	passes  verdict = iota // nothing rejects
	rejects                // he is turned away
	unsure                 // a table decides, and nothing after it rejects
)

// smtpd is one service of master.cf.
type smtpd struct {
	c       *postfixconf.Config
	service *postfixconf.Service
	out     *answer.Answer
}

func (s *smtpd) get(name, fallback string) postfixconf.Setting {
	return s.c.GetFor(s.service, name, fallback)
}

// Postfix asks the configuration in dir.
func (a *Answers) Postfix(root hostfs.Root, dir string) (watch []string, err error) {
	watch = []string{path.Join(dir, "main.cf"), path.Join(dir, "master.cf")}
	c, err := postfixconf.Load(root, dir)
	if err != nil {
		a.fail("postfix", err)
		return watch, err
	}
	found := false
	for i := range c.Services {
		s := &c.Services[i]
		if s.Type != "inet" || path.Base(s.Command) != "smtpd" && path.Base(s.Command) != "postscreen" {
			continue
		}
		found = true
		part := s.Name
		if part == "smtp" {
			part = ""
		}
		a.postfixService(c, s, part)
	}
	if !found {
		for _, list := range []*[]answer.Answer{&a.Relay, &a.Public} {
			out := answer.New("postfix", "")
			out.Say(false, "master.cf has no smtpd that listens")
			*list = append(*list, out)
		}
	}
	return watch, nil
}

func (a *Answers) postfixService(c *postfixconf.Config, service *postfixconf.Service, part string) {
	public := answer.New("postfix", part)
	s := &smtpd{c: c, service: service, out: &public}
	s.listens()
	a.Public = append(a.Public, public)
	relay := answer.New("postfix", part)
	relay.Public = public.Allowed
	if !relay.Public {
		relay.Places = public.Places
		relay.Say(false, "it listens on loopback alone")
	} else {
		s.out = &relay
		s.relay()
	}
	a.Relay = append(a.Relay, relay)
	if path.Base(service.Command) == "postscreen" {
		return // it hands on to an smtpd of its own
	}
	a.Verify = append(a.Verify, s.verify(part, public.Allowed))
}

// verify says whether strangers may ask which addresses exist.
func (s *smtpd) verify(part string, public bool) answer.Answer {
	out := answer.New("postfix", part)
	if out.Public = public; !public {
		out.Say(false, "it listens on loopback alone")
		return out
	}
	d := s.get("disable_vrfy_command", "no")
	out.At(d.File, d.Line, d.Raw)
	out.Say(d.Value != "yes", "disable_vrfy_command = %s", d.Value)
	return out
}

// listens says whether a service is reached from other hosts.
func (s *smtpd) listens() {
	if host, _, ok := strings.Cut(s.service.Name, ":"); ok && !strings.HasPrefix(host, "[") || strings.HasPrefix(s.service.Name, "[") {
		s.out.Public = !answer.Loopback(answer.Host(s.service.Name))
		s.out.At(s.service.File, s.service.Line, s.service.Raw)
		s.out.Say(s.out.Public, "master.cf makes it listen on %s", answer.Host(s.service.Name))
		return
	}
	i := s.get("inet_interfaces", "all")
	s.out.At(i.File, i.Line, i.Raw)
	for _, w := range i.Words() {
		s.out.Public = s.out.Public || !answer.Loopback(strings.Trim(w, "[]"))
	}
	s.out.Say(s.out.Public, "inet_interfaces = %s", i.Value)
}

// relay asks whether a stranger's mail to others is taken.
func (s *smtpd) relay() {
	relayDefault := "permit_mynetworks permit_sasl_authenticated defer_unauth_destination"
	lists := []struct{ name, fallback string }{
		{"smtpd_client_restrictions", ""}, {"smtpd_helo_restrictions", ""}, {"smtpd_sender_restrictions", ""},
		{"smtpd_relay_restrictions", relayDefault}, {"smtpd_recipient_restrictions", ""},
	}
	if s.level() < 1 {
		lists[3].fallback = ""
	}
	if !s.works(lists[3].fallback) {
		s.out.Say(false, "neither smtpd_relay_restrictions nor smtpd_recipient_restrictions rejects anything: Postfix refuses all mail")
		return
	}
	doubt := ""
	for _, l := range lists {
		set := s.get(l.name, l.fallback)
		v, word := s.list(set)
		if word != "" {
			s.out.At(set.File, set.Line, set.Raw)
		}
		switch v {
		case rejects:
			s.out.Say(false, "%s turns strangers away: %s", l.name, word)
			return
		case unsure:
			doubt = l.name + ": " + word
		case passes:
		}
	}
	if open := s.anywhere(); open != "" {
		s.out.Say(true, "mail to any domain is taken: %s", open)
		return
	}
	if doubt != "" {
		s.out.Unknown("what %s says is in no file", doubt)
		return
	}
	s.out.Say(true, "no restriction turns a stranger away who sends to others")
}

// works reports whether a list that has to has a word that rejects, before "permit"
// and not only to warn (smtpd_check.c, has_required).
func (s *smtpd) works(relayDefault string) bool {
	for _, name := range []string{"smtpd_relay_restrictions", "smtpd_recipient_restrictions"} {
		fallback := ""
		if name == "smtpd_relay_restrictions" {
			fallback = relayDefault
		}
		words := s.get(name, fallback).Words()
		for i, w := range words {
			if w == "permit" {
				break
			}
			if i > 0 && words[i-1] == "warn_if_reject" {
				continue
			}
			if slices.Contains([]string{"reject_unauth_destination", "defer_unauth_destination", "reject", "defer", "defer_if_permit", "check_relay_domains"}, w) {
				return true
			}
		}
	}
	return false
}

// list takes one list of restrictions for a stranger, and names the word that
// decides.
func (s *smtpd) list(set postfixconf.Setting) (verdict, string) {
	doubt := ""
	words := set.Words()
	for i := 0; i < len(words); i++ {
		w := strings.ToLower(words[i])
		switch v, why := s.word(w); {
		case w == "warn_if_reject":
			i++ // the next word only warns
		case why != "":
			return v, words[i] + strings.TrimPrefix(why, " ")
		case v == unsure && doubt == "":
			doubt = strings.Join(words[i:min(i+1+arguments(w), len(words))], " ")
		}
		i += arguments(w)
	}
	if doubt != "" {
		return unsure, doubt
	}
	return passes, ""
}

// word is what one restriction says to a stranger. A reason, which follows a blank,
// makes it final.
func (s *smtpd) word(w string) (v verdict, final string) {
	switch {
	case w == "permit":
		return passes, " "
	case w == "permit_mynetworks":
		if why := s.mynetworks(); why != "" {
			return passes, ", " + why
		}
		return passes, ""
	case w == "reject" || w == "defer" || w == "defer_if_permit":
		return rejects, " "
	case w == "reject_unauth_destination" || w == "defer_unauth_destination":
		if s.anywhere() == "" {
			return rejects, " "
		}
		return passes, ""
	case w == "permit_auth_destination" || w == "permit_sasl_authenticated" || strings.HasPrefix(w, "permit_tls_"),
		strings.HasPrefix(w, "reject_"):
		return passes, ""
	}
	return unsure, "" // a table, a policy service, a class of restrictions
}

// arguments is how many words after a restriction belong to it.
func arguments(w string) int {
	if strings.HasPrefix(w, "check_") || strings.Contains(w, "_rbl_client") || strings.Contains(w, "_rhsbl_") {
		return 1
	}
	return 0
}

// level is compatibility_level as a number: 2 for "2", 3 for "3.6".
func (s *smtpd) level() int {
	major, _, _ := strings.Cut(s.c.Get("compatibility_level", "0").Value, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// anywhere names the table of domains that has every domain in it, "" where none has.
func (s *smtpd) anywhere() string {
	for _, name := range []string{"relay_domains", "mydestination", "virtual_alias_domains", "virtual_mailbox_domains"} {
		set := s.get(name, "")
		for _, w := range set.Words() {
			if strings.HasPrefix(w, "static:") {
				s.out.At(set.File, set.Line, set.Raw)
				return name + " = " + w
			}
		}
	}
	return ""
}

// mynetworks says why strangers are in mynetworks, "" where they are not.
func (s *smtpd) mynetworks() string {
	set := s.get("mynetworks", "")
	if set.Set {
		for _, w := range set.Words() {
			n, ok := postfixNetwork(w)
			if ok && answer.Wide(n) || strings.HasPrefix(w, "static:") {
				s.out.At(set.File, set.Line, set.Raw)
				return "mynetworks has " + w
			}
		}
		return ""
	}
	fallback := "host"
	if s.level() < 2 {
		fallback = "subnet"
	}
	style := s.get("mynetworks_style", fallback)
	if style.Value == "subnet" || style.Value == "class" {
		s.out.At(style.File, style.Line, style.Raw)
		return "mynetworks_style = " + style.Value + " has the neighbours in it"
	}
	return ""
}

// postfixNetwork reads an element of mynetworks; "!" takes some out.
func postfixNetwork(w string) (netip.Prefix, bool) {
	if strings.HasPrefix(w, "!") {
		return netip.Prefix{}, false
	}
	return answer.Network(w)
}
