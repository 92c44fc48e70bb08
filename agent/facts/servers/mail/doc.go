// Package mail answers for mail servers: who hands on mail of strangers to others
// (an open relay), who takes mail from the network at all, who tells which
// addresses exist. Who takes passwords without TLS is of the group tls.
//
// # Postfix
//
// Every smtpd(8) of master.cf is asked with its own overrides. A stranger, without
// a password, wants to send to an address of another domain: the lists of
// restrictions are taken in order (client, helo, sender, relay, recipient), each up
// to the first word that permits or rejects him (smtpd_check.c,
// generic_checks); mail is taken when no list rejects. permit_mynetworks permits
// where mynetworks has strangers in it: networks larger than one owner's, and with
// mynetworks_style subnet or class the neighbours. What a table or a policy service
// would say is in no file: if nothing after it rejects, the answer is unknown.
// Postfix itself refuses to work where neither the relay nor the recipient
// restrictions have a word that rejects. Postfix itself was asked about the cases in
// testdata.
//
// # Others
//
// Exim: dc_relay_nets of Debian's update-exim4.conf.conf, or hostlist
// relay_from_hosts of a file of its own. Sendmail: FEATURE(promiscuous_relay) and
// DaemonPortOptions of sendmail.cf. OpenSMTPD: matches "from any for any" without
// auth.
package mail
