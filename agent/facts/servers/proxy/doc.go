// Package proxy answers for proxies: who fetches anything for strangers.
//
// # Squid
//
// http_access lines are taken in order, the first whose ACLs all match decides; where
// none does, it is the opposite of the last one (cf.data.pre, http_access). A stranger
// comes from an address of the public Internet, has no password, and chooses his
// request: method, port, destination, headers, time. So a deny that depends on those
// keeps nobody out, and an allow that names destinations (dstdomain, dst) opens the
// proxy to those alone, as a reverse proxy does, which is not an open one. Ports of
// mode accel are no forward proxies. Squid itself was asked about the cases in
// testdata. Where 0.0.0.0/0 stands beside smaller networks in one ACL, Squid 5.7 warns and
// forgets it; here it counts.
//
// # Others
//
// Tinyproxy: Allow and Deny in order, everybody where there are none; BasicAuth.
// Privoxy: listen-address, permit-access. 3proxy: services as the lines before them
// say. Dante: client and socks rules with socksmethod. nginx: proxy_pass to the
// host that a client names. Apache: ProxyRequests On, with what <Proxy "*"> requires.
package proxy
