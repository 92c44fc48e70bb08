// Package auditrule holds kernel audit rules in their two forms: the text of
// auditctl(8) and struct audit_rule_data of linux/audit.h, which is what the
// kernel takes and lists.
//
// go-libaudit translates between the two. This package adds what it lacks: a
// rule's key, an identity that does not depend on the order of fields ([Rule.ID]),
// and watch rules for paths with spaces ([WatchFile], [WatchDir]). Lists that
// go-libaudit does not know (filesystem, io_uring) are [ErrUnsupported], so that
// they are not taken for mistakes.
//
// Struct audit_rule_data, in the machine's byte order: flags (the list), action,
// field_count, mask[64], fields[64], values[64], fieldflags[64], buflen, buf. Of a
// field that is a string the value is its length; the strings stand in buf in
// order.
package auditrule
