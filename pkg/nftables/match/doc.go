// Package match compares what is partly known of a packet: bytes of which each bit
// is known or not, the registers of nf_tables that hold such bytes, and the matches of
// xtables, which iptables-nft and ufw put into rules of nf_tables. An answer is yes,
// no or maybe.
//
// Of xtables it understands tcp, udp, multiport, conntrack, state, addrtype, mark,
// pkttype, limit, hashlimit, recent, rpfilter, icmp and comment; any other may match or
// not. The structs are those of include/uapi/linux/netfilter/xt_*.h, in the byte order of
// the machine; one that is too short reads as zero beyond its end.
package match
