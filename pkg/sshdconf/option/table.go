package option

import (
	"strings"
	"sync"

	"seawall/pkg/sshdconf/algorithm"
	"seawall/pkg/sshdconf/argument"
	"seawall/pkg/sshdconf/pattern"
)

// keep says how the values of repeated lines add up.
type keep int

const (
	first keep = iota // the first line wins
	last              // the last one does
	all               // they accumulate
)

// spec is one keyword.
type spec struct {
	take   func(*argument.List) error
	match  bool     // may stand in a Match block
	def    []string // what sshd -T prints where nothing is set; nil: nothing
	keep   keep
	silent bool   // never printed
	unless string // ignored where this one is set: sshd tests the wrong variable
	since  int    // release, 0: always there
	// assemble makes a list of algorithms of what is configured; field is what
	// sshd calls it in a message.
	assemble func(string) ([]string, bool)
	field    string
}

// assembled is the list that holds.
func (s *spec) assembled(configured string) []string {
	list, ok := s.assemble(configured)
	if !ok {
		return one(configured)
	}
	return list
}

type keywords struct {
	specs   map[string]*spec
	alias   map[string]string
	ignored map[string]Kind
}

// table is the one copy of the keywords; it is never written to after it is made.
var table = sync.OnceValue(func() *keywords {
	t := &keywords{specs: map[string]*spec{}, alias: aliases(), ignored: map[string]Kind{}}
	for _, group := range []map[string]*spec{flags(), choices(), numbers(), texts(), lists(), algorithms(), later()} {
		for name, s := range group {
			t.specs[name] = s
		}
	}
	const global = "pamauthenticationviakbdint serverkeybits keyregenerationinterval rhostsauthentication " +
		"kerberosgetafstoken kerberostgtpassing afstokenpassing gssusesessionccache gssapiusesessioncredcache " +
		"checkmail permitblacklistedkeys uselogin protocol verifyreversemapping reversemappingcheck " +
		"useprivilegeseparation"
	const everywhere = "rhostsrsaauthentication rsaauthentication authorizedkeysfile2"
	for name := range strings.FieldsSeq(global) {
		t.ignored[name] = Kind{Name: name, Ignored: true}
	}
	for name := range strings.FieldsSeq(everywhere) {
		t.ignored[name] = Kind{Name: name, Ignored: true, InMatch: true}
	}
	return t
})

func aliases() map[string]string {
	return map[string]string{
		"hostdsakey":                      "hostkey",
		"hostbasedacceptedkeytypes":       "hostbasedacceptedalgorithms",
		"pubkeyacceptedkeytypes":          "pubkeyacceptedalgorithms",
		"dsaauthentication":               "pubkeyauthentication",
		"gssapicleanupcreds":              "gssapicleanupcredentials",
		"challengeresponseauthentication": "kbdinteractiveauthentication",
		"skeyauthentication":              "kbdinteractiveauthentication",
		"keepalive":                       "tcpkeepalive",
	}
}

func one(s string) []string { return []string{s} }

// flags are the keywords of yes and no.
func flags() map[string]*spec {
	out := map[string]*spec{}
	add := func(names, def string, match bool) {
		for name := range strings.FieldsSeq(names) {
			out[name] = &spec{take: argument.Choice("yes", "no"), def: one(def), match: match}
		}
	}
	add("usepam ignoreuserknownhosts gssapikeyexchange gssapistorecredentialsonrekey usedns", "no", false)
	add("kerberosorlocalpasswd kerberosticketcleanup gssapicleanupcredentials gssapistrictacceptorcheck "+
		"printmotd printlastlog strictmodes tcpkeepalive", "yes", false)
	add("hostbasedauthentication hostbasedusesnamefrompacketonly kerberosauthentication gssapiauthentication "+
		"x11forwarding permitemptypasswords disableforwarding streamlocalbindunlink exposeauthinfo", "no", true)
	add("pubkeyauthentication passwordauthentication kbdinteractiveauthentication x11uselocalhost permittty "+
		"permituserrc allowagentforwarding", "yes", true)
	out["debianbanner"] = &spec{take: argument.Choice("yes", "no"), silent: true}
	return out
}

func choices() map[string]*spec {
	return map[string]*spec{
		"addressfamily": {take: argument.Choice("inet", "inet6", "any"), def: one("any")},
		"permitrootlogin": {take: argument.Choice("without-password", "prohibit-password=without-password",
			"forced-commands-only", "yes", "no"), def: one("without-password"), match: true},
		"ignorerhosts":               {take: argument.Choice("yes", "no", "shosts-only"), def: one("yes"), match: true},
		"compression":                {take: argument.Choice("yes", "delayed=yes", "no"), def: one("yes")},
		"gatewayports":               {take: argument.Choice("clientspecified", "yes", "no"), def: one("no"), match: true},
		"allowtcpforwarding":         {take: argument.Choice("yes", "all=yes", "no", "remote", "local"), def: one("yes"), match: true},
		"allowstreamlocalforwarding": {take: argument.Choice("yes", "all=yes", "no", "remote", "local"), def: one("yes"), match: true},
		"permittunnel":               {take: argument.Needs(argument.Missing, tunnel), def: one("no"), match: true},
		"syslogfacility": {take: argument.Named("log facility", "DAEMON USER AUTH AUTHPRIV LOCAL0 LOCAL1 LOCAL2 LOCAL3 "+
			"LOCAL4 LOCAL5 LOCAL6 LOCAL7"), def: one("AUTH")},
		"loglevel": {take: argument.Named("log level", "SILENT QUIET=SILENT FATAL ERROR INFO VERBOSE DEBUG DEBUG1=DEBUG DEBUG2 DEBUG3"),
			def: one("INFO"), match: true},
		"fingerprinthash": {take: argument.Needs(argument.Missing, argument.Digest), def: one("SHA256"), keep: last},
	}
}

func numbers() map[string]*spec {
	integer := argument.Needs("%s integer value missing.", number)
	return map[string]*spec{
		"port":                    {take: port, def: one("22"), keep: all},
		"logingracetime":          {take: argument.Needs(argument.MissingTime, duration), def: one("120")},
		"x11displayoffset":        {take: integer, def: one("10"), match: true},
		"maxauthtries":            {take: integer, def: one("6"), match: true},
		"maxsessions":             {take: integer, def: one("10"), match: true},
		"clientaliveinterval":     {take: argument.Needs(argument.MissingTime, duration), def: one("0"), match: true},
		"clientalivecountmax":     {take: integer, def: one("3"), match: true},
		"requiredrsasize":         {take: integer, def: one("1024"), match: true},
		"streamlocalbindmask":     {take: argument.Needs(argument.Missing, octal), def: one("0177"), match: true, keep: last},
		"unusedconnectiontimeout": {take: unusedTimeout, def: one("none"), match: true},
		"maxstartups":             {take: argument.Needs(argument.Missing, maxStartups), def: one("10:30:100"), keep: last},
		"persourcemaxstartups":    {take: argument.Needs(argument.Missing, perSource), def: one("none"), keep: last},
		"persourcenetblocksize":   {take: argument.Needs(argument.Missing, netBlock), def: one("32:128"), keep: last},
		"ipqos":                   {take: ipqos, def: one("lowdelay throughput"), match: true, keep: last},
		"rekeylimit":              {take: argument.Needs(argument.Missing, rekey), def: one("0 0"), match: true},
	}
}

func texts() map[string]*spec {
	file := argument.Needs(argument.MissingFile, argument.File)
	pattern := argument.Needs(argument.Missing, argument.Pattern)
	return map[string]*spec{
		"listenaddress":                   {take: argument.Needs("missing address", listenAddress), keep: all},
		"hostkey":                         {take: file, keep: all, def: defaultHostKeys()},
		"hostcertificate":                 {take: file, keep: all},
		"hostkeyagent":                    {take: argument.Needs("missing socket name.", argument.FileUnless("SSH_AUTH_SOCK")), def: one("none")},
		"pidfile":                         {take: file, def: one("/run/sshd.pid")},
		"modulifile":                      {take: file, def: one("/etc/ssh/moduli")},
		"xauthlocation":                   {take: file, def: one("/usr/bin/xauth")},
		"banner":                          {take: file, def: one("none"), match: true},
		"trustedusercakeys":               {take: file, def: one("none"), match: true},
		"revokedkeys":                     {take: file, def: one("none"), match: true},
		"securitykeyprovider":             {take: argument.Needs(argument.Missing, argument.FileUnless("internal")), def: one("internal")},
		"authorizedprincipalsfile":        {take: pattern, def: one("none"), match: true},
		"chrootdirectory":                 {take: argument.Needs(argument.Missing, argument.Text), def: one("none"), match: true},
		"forcecommand":                    {take: argument.Remainder, def: one("none"), match: true},
		"versionaddendum":                 {take: argument.Addendum, def: one("none")},
		"authorizedkeyscommand":           {take: argument.Command, def: one("none"), match: true},
		"authorizedprincipalscommand":     {take: argument.Command, def: one("none"), match: true, keep: last, unless: "authorizedkeyscommand"},
		"authorizedkeyscommanduser":       {take: argument.Needs("missing %s argument.", argument.Text), def: one("none"), match: true},
		"authorizedprincipalscommanduser": {take: argument.Needs("missing %s argument.", argument.Text), def: one("none"), match: true},
		"gssapikexalgorithms": {take: pattern, def: one("gss-group14-sha256-,gss-group16-sha512-,gss-nistp256-sha256-," +
			"gss-curve25519-sha256-,gss-group14-sha1-,gss-gex-sha1-")},
		"permituserenvironment": {take: pattern, def: one("no")},
		"subsystem":             {take: subsystem, keep: all},
		"rdomain":               {take: rdomain, match: true, silent: true},
	}
}

func defaultHostKeys() []string {
	return []string{"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"}
}

func lists() map[string]*spec {
	return map[string]*spec{
		"allowusers":            {take: userPatterns, match: true, keep: all},
		"denyusers":             {take: userPatterns, match: true, keep: all},
		"allowgroups":           {take: groupPatterns, match: true, keep: all},
		"denygroups":            {take: groupPatterns, match: true, keep: all},
		"acceptenv":             {take: acceptEnv, match: true, keep: all},
		"setenv":                {take: setEnv, match: true},
		"authorizedkeysfile":    {take: keysFile, match: true, def: one(".ssh/authorized_keys .ssh/authorized_keys2")},
		"authenticationmethods": {take: authMethods, match: true, def: one("any")},
		"logverbose":            {take: logVerbose, match: true},
		"channeltimeout":        {take: channelTimeout, match: true},
		"permitopen":            {take: permitOpen, match: true, def: one("any")},
		"permitlisten":          {take: permitListen, match: true, def: one("any")},
		"pubkeyauthoptions":     {take: pubkeyOptions, match: true, def: one("none")},
	}
}

func algorithms() map[string]*spec {
	list := func(field, def, known string, match bool, take func(*argument.List) error) *spec {
		return &spec{take: take, def: one(def), match: match, field: field, assemble: func(configured string) ([]string, bool) {
			return pattern.Select(configured, strings.Split(def, ","), strings.Split(known, ","))
		}}
	}
	return map[string]*spec{
		"ciphers":                     list("ciphers", algorithm.DefaultCiphers, algorithm.Ciphers, false, cipherList),
		"macs":                        list("macs", algorithm.DefaultMACs, algorithm.MACs, false, macList),
		"kexalgorithms":               list("kex_algorithms", algorithm.DefaultKex, algorithm.Kex+","+algorithm.LaterKex, false, kexList),
		"hostkeyalgorithms":           list("hostkeyalgorithms", algorithm.DefaultKeys, algorithm.Keys, false, keyList),
		"hostbasedacceptedalgorithms": list("hostbased_accepted_algos", algorithm.DefaultKeys, algorithm.Keys, true, keyList),
		"pubkeyacceptedalgorithms":    list("pubkey_accepted_algos", algorithm.DefaultKeys, algorithm.Keys, true, keyList),
		"casignaturealgorithms":       list("ca_sign_algorithms", algorithm.DefaultSignatures, algorithm.Signatures(), true, keyList),
	}
}

// later are the keywords of releases after 9.2; their values stay as written.
func later() map[string]*spec {
	return map[string]*spec{
		"persourcepenalties":         {take: argument.Anything, since: 908, keep: all},
		"persourcepenaltyexemptlist": {take: argument.Anything, since: 908},
		"sshdsessionpath":            {take: argument.Anything, since: 908},
		"refuseconnection":           {take: argument.Choice("yes", "no"), since: 909, match: true},
		"sshdauthpath":               {take: argument.Anything, since: 1000},
	}
}
