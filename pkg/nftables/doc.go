// Package nftables reads the rules that nf_tables has loaded in a network
// namespace: those of nft, of iptables-nft, ufw and firewalld alike. It changes
// nothing, and starts no program.
//
// # What is read
//
// Tables, chains, rules with their expressions, sets and maps with their elements,
// through an AF_NETLINK socket of the family NETLINK_NETFILTER. The kernel answers
// whoever has CAP_NET_ADMIN in the namespace's user namespace. An expression is kept
// as the kernel writes it, a name and attributes: package reach knows what some of
// them do.
//
// # Format
//
// A request is an nlmsghdr and an nfgenmsg (family, version 0, resource id 0), for
// elements followed by the table's and the set's names. The answers are messages of
// the same form with attributes (struct nlattr: length, type, value padded to four
// bytes; nested ones likewise, numbers big-endian unless they are a register's
// contents), ended by NLMSG_DONE. A generation number that changed meanwhile, and
// the flag NLM_F_DUMP_INTR, say that the rules were changed while they were read:
// then all is read again.
//
// # Limits
//
// An answer has at most 64 MiB, a ruleset 200,000 rules and as many elements; of
// more, and of one that keeps changing, nothing is known. Flow tables, named objects
// and the rules of other network namespaces are not read.
//
// # Sources
//
// The kernel's include/uapi/linux/netfilter/nf_tables.h, net/netfilter/nf_tables_api.c
// and nft_set_rbtree.c (elements of intervals are pairs of a start and an end).
package nftables
