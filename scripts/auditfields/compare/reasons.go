package compare

// reasons returns the known classes of differences, by the beginnings of their names, each
// with the reason why what we read is right.
func reasons(with string) [][2]string {
	if with == "ausearch" {
		return [][2]string{
			{"told by a program", "the text is the sender's: we keep it whole and take none of it for fact; ausearch splits at each =, and gives numbers in it the names of the kernel's fields"},
			{"of a record in which a program sent 0x1d", "ausearch takes what follows the first such byte for auditd's addition; auditd's own stands behind the last one"},
			{"not in words: TRUSTED_APP", "ausearch interprets no field of this type; the number is the same"},
			{"type of a record", "2999 and 1199 are the ends of ranges, which the tables of go-libaudit name and ausearch's do not; the number is the same"},
			{"not in words: DAEMON_END", "auditd writes -1 for what it does not know of who ended it; ours is the unset number, and 0 for no process"},
			{"PROCTITLE proctitle: begins with NUL", "the first argument is empty: ausearch leaves it out"},
			{"SOCKADDR saddr: family not supported", "this ausearch does not read vsock's; context and port are those that were given (linux/vm_sockets.h)"},
			{"SOCKADDR saddr: words", "of an address of a family that is not read here ausearch escapes the bytes where auditd decoded it, and not where it did itself; they are the same"},
			{"SOCKADDR saddr: too short", "address and port are whole, what lacks is padding; ausearch asks for the size of the whole struct"},
		}
	}
	return [][2]string{
		{"EXECVE: fields not read: argc key not found", "the record continues one before it; go-libaudit reads each for itself, so that a long argument is lost"},
		{"EXECVE: fields not read: failed to find arg", "an argument is empty, or stands in a later record: go-libaudit then has none of them"},
		{"arguments: none", "follows from the two above: aucoalesce has no argument of the call"},
		{"SYSCALL comm: as written", "go-libaudit decodes exe and cwd, but leaves comm in hexadecimal"},
		{"SOCKADDR saddr: IPv4 in IPv6", "an IPv4 address within an IPv6 one: go-libaudit says it as IPv4's, ours as it was given"},
		{"SOCKADDR saddr: abstract", "an abstract name begins with NUL, where go-libaudit ends it; ours is whole"},
		{"SOCKADDR: fields not read: failed to parse saddr", "an address shorter than its family's: go-libaudit reads nothing, we keep its bytes"},
		{"PATH name: as written", "go-libaudit cuts quotes and blanks off both ends of a text, those that are part of it too"},
		{"PATH name: left out", "a file called (null) or ?: the kernel writes that in quotes, and none without; go-libaudit takes it for none"},
		{"PROCTITLE: fields not read: proctitle key not found", "the same, of a process title"},
		{"USER_CMD: fields not read: cmd key not found", "the sender gave no cmd=: go-libaudit then has not even the kernel's fields"},
		{"DAEMON_END", "auditd writes -1 for what it does not know of who ended it; ours is the unset number, and 0 for no process"},
		{"told by a program", "the text is the sender's, and not decoded; go-libaudit lets it replace the kernel's fields of the same name"},
	}
}
