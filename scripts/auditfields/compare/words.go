package compare

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/syscallname"
	"seawall/scripts/auditfields/words"
)

// in returns the words in which ausearch says f, any of which will do; symbol says that
// it may also have words of its own.
func in(n *words.Names, r *record, f *field) (said []string, symbol bool) {
	switch {
	case users[f.key]:
		return []string{n.User(f.text)}, false
	case groups[f.key]:
		return []string{n.Group(f.text)}, false
	case f.key == "exit":
		return words.Exit(f.text), false
	case f.key == "mode" && r.typ == unix.AUDIT_PATH:
		return []string{words.Mode(f.text)}, false
	case f.key == "saddr":
		return words.Addresses(f.text)
	}
	if word := known(r, f); word != "" {
		return []string{word}, false
	}
	switch {
	case f.null:
		return []string{f.raw}, symbolic[f.key]
	case f.key == "proctitle":
		return []string{words.Escape(strings.ReplaceAll(strings.TrimRight(f.text, "\x00"), "\x00", " "))}, false
	case f.key == "key": // of each of a rule's keys it makes a field
		return []string{strings.ReplaceAll(words.Escape(strings.ReplaceAll(f.text, "\x01", "\x7f")), "\x7f", " key=")}, false
	case encoded(r.typ, f.key):
		return []string{words.Escape(f.text)}, false
	case r.typ == unix.AUDIT_SYSCALL && len(f.key) == 2 && f.key[0] == 'a':
		return []string{"0x" + f.text}, true
	}
	return []string{f.text}, symbolic[f.key] || f.key == "mode"
}

// known is the one word of a field that has one, or "".
func known(r *record, f *field) string {
	switch f.key {
	case "ses":
		if f.text == "4294967295" {
			return "unset"
		}
	case "arch":
		return words.Machine(f.text)
	case "syscall":
		return callName(r, f)
	case "res", "result":
		switch {
		case f.text == "1" && !f.told:
			return "yes"
		case f.text == "0" && !f.told:
			return "no"
		}
	}
	return ""
}

// The fields that are users and groups.
var (
	users = map[string]bool{
		"auid": true, "uid": true, "euid": true, "suid": true, "fsuid": true, "ouid": true, "oauid": true, "old-auid": true,
		"id": true, "sauid": true, "iuid": true, "inode_uid": true,
	}
	groups = map[string]bool{
		"gid": true, "egid": true, "sgid": true, "fsgid": true, "ogid": true, "igid": true, "inode_gid": true, "new_gid": true,
	}
)

// symbolic are the fields for which ausearch has words that are not here.
var symbolic = map[string]bool{
	"list": true, "sig": true, "code": true, "oflag": true, "flags": true, "prot": true, "resolve": true, "perm": true,
	"cap_fp": true, "cap_fi": true, "cap_fe": true, "fp": true, "fi": true, "fe": true, "pp": true, "pi": true, "pe": true, "pa": true,
	"old_pp": true, "old_pi": true, "old_pe": true, "old_pa": true, "cap_pi": true, "cap_pe": true, "cap_pp": true, "cap_pa": true,
	"family": true, "uring_op": true, "inode": false, "op": false, "nl-mcgrp": true, "sigev_signo": true, "audit_enabled": true,
	"audit_failure": true, "proto": true, "macproto": true, "hook": true, "action": true, "resrc": true, "prom": true, "old_prom": true,
}

// callName names the system call that f is the number of.
func callName(r *record, f *field) string {
	number, err := strconv.Atoi(f.text)
	if err != nil {
		return ""
	}
	for i := range r.fields {
		if r.fields[i].key == "arch" {
			arch, _ := strconv.ParseUint(r.fields[i].text, 16, 32)
			return syscallname.Name(uint32(arch), number)
		}
	}
	return ""
}
