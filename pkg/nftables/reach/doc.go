// Package reach says what the loaded rules of nf_tables do with a packet: is a new
// connection from there to here let in?
//
// It walks the rules as the kernel does: base chains of a hook by priority, an accept
// ends its chain and goes on to the next one, a drop is final, jump, goto and return,
// verdict maps, and the policy at the end. Registers have, beside each bit, whether it
// is known: of a packet that is only thought of, its length and its time to live are
// not. A rule that may match or not makes its verdict possible and the walk goes on;
// where both a drop and an accept are possible at the end the answer is [Unknown], with
// the expression that was not understood.
//
// # What is understood
//
// Expressions: payload, meta, ct, cmp, range, bitwise, byteorder, lookup, immediate,
// fib, nat, redir, masq, reject, limits and counters (for the first packet of somebody
// who is not over any limit), and what changes nothing. Of xtables, which iptables-nft
// and ufw use: tcp, udp, multiport, conntrack, state, addrtype, mark, pkttype, limit,
// hashlimit, recent, rpfilter, comment; REJECT, DNAT, REDIRECT and those targets that
// do not decide. Everything else may match or not.
//
// # What is not done
//
// Rules of iptables-legacy, programs of BPF, ipsets and families bridge and arp are not
// followed; what is sent to a queue is unknown. Translation of the destination is
// followed once, as the kernel does it for a new connection: what it sends to another
// host, a container for instance, is judged by the hook forward.
//
// # Sources
//
// The kernel's net/netfilter/nf_tables_core.c, nft_*.c, nf_conntrack_common.h, and
// include/uapi/linux/netfilter/xt_*.h.
package reach
