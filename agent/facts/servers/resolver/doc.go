// Package resolver answers for name servers: who resolves any name for strangers
// (and so lends itself to attacks by reflected answers), and who hands out whole
// zones.
//
// # BIND
//
// As lib/ns/query.c and named's configure_view decide: a view recurses unless
// "recursion no"; allow-recursion and allow-query-cache both decide who may, and where
// one is not set, the other, then allow-query, then { localnets; localhost; }. named
// itself was asked about the cases in testdata. Address match
// lists are taken in order, the first element that matches decides, "!" denies, and
// an element that is a list and denies is no match. A stranger has no key. Views are
// judged one by one; one that strangers do not match (match-clients) is nobody's.
// allow-transfer of a primary zone: any where it is not set, before 9.20.
//
// # Others
//
// Unbound: interface and access-control (the most specific network decides, refuse
// where none does, interface-action where an interface has one). dnsmasq: listen-address,
// interface, local-service, port, servers to ask. PowerDNS Recursor: allow-from and
// local-address. systemd-resolved: DNSStubListenerExtra=.
package resolver
