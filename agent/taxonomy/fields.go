package taxonomy

import (
	"fmt"
	"maps"
	"slices"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
)

// The kinds of events, indexes into what Sources returns.
const (
	Auditd = iota
	ProcessCreation
	FileEvent
	FileDelete
	NetworkConnection
	kinds
)

// The fields. Those of auditd's records and those of Sysmon share a space of numbers.
const (
	fieldType event.Field = iota
	fieldSyscall
	fieldSuccess
	fieldExit
	fieldArch
	fieldArgc
	fieldExe
	fieldComm
	fieldTTY
	fieldKey
	fieldPID
	fieldPPID
	fieldAUID
	fieldUID
	fieldGID
	fieldEUID
	fieldFSUID
	fieldSes
	fieldCWD
	fieldName
	fieldNametype
	fieldMode
	fieldOUID
	fieldInode
	fieldDev
	fieldProctitle
	fieldSaddrFam
	fieldLaddr
	fieldLport
	fieldPath

	fieldImage
	fieldCommandLine
	fieldCurrentDirectory
	fieldProcessID
	fieldParentProcessID
	fieldParentImage
	fieldParentCommandLine
	fieldUser
	fieldLogonID
	fieldTargetFilename
	fieldSourceFilename
	fieldInitiated
	fieldDestinationIP
	fieldDestinationPort
	fieldDestinationIsIPv6
	fieldSourceIP
	fieldSourcePort
	fieldProtocol

	fieldArg0 // a0, a1, …
	maxArgs   = 32
	fieldRest = fieldArg0 + maxArgs // others of auditd, as rules name them
)

// auditd returns the fields of records that are made of what package audit decoded.
func auditd() map[string]event.Field {
	fields := map[string]event.Field{
		"type": fieldType, "syscall": fieldSyscall, "success": fieldSuccess, "exit": fieldExit, "arch": fieldArch,
		"argc": fieldArgc, "exe": fieldExe, "comm": fieldComm, "tty": fieldTTY, "key": fieldKey,
		"pid": fieldPID, "ppid": fieldPPID, "auid": fieldAUID, "uid": fieldUID, "gid": fieldGID, "euid": fieldEUID,
		"fsuid": fieldFSUID, "ses": fieldSes, "cwd": fieldCWD, "name": fieldName, "nametype": fieldNametype,
		"mode": fieldMode, "ouid": fieldOUID, "inode": fieldInode, "dev": fieldDev, "proctitle": fieldProctitle,
		"saddr_fam": fieldSaddrFam, "laddr": fieldLaddr, "lport": fieldLport, "path": fieldPath,
	}
	for i := range maxArgs {
		fields[argument(i)] = fieldArg0 + event.Field(i)
	}
	return fields
}

func argument(i int) string {
	if i < 10 {
		return "a" + string(rune('0'+i))
	}
	return "a" + string(rune('0'+i/10)) + string(rune('0'+i%10))
}

// who are the fields of the process that acted.
func who() map[string]event.Field {
	return map[string]event.Field{
		"Image": fieldImage, "CommandLine": fieldCommandLine, "ProcessId": fieldProcessID, "ParentProcessId": fieldParentProcessID,
		"ParentImage": fieldParentImage, "ParentCommandLine": fieldParentCommandLine, "User": fieldUser,
		"LogonId": fieldLogonID, "TerminalSessionId": fieldLogonID,
	}
}

// absent are fields that rules for these kinds have and kernel audit cannot tell. A
// rule that asks for them loads, and they are missing.
func absent() []string {
	return []string{
		"OriginalFileName", "FileVersion", "Product", "Company", "Description", "IntegrityLevel", "Hashes", "ProcessGuid", "LogonGuid",
		"ParentProcessGuid", "ParentUser", "UtcTime", "RuleName", "CreationUtcTime", "DestinationHostname", "DestinationPortName",
		"SourceHostname", "SourcePortName", "SourceIsIpv6", "IsExecutable", "Archived",
	}
}

// Taxonomy is the kinds of events with the fields that a set of rules uses.
type Taxonomy struct {
	Sources event.Taxonomy

	used [kinds][]bool
	// rest are the fields of auditd that no code knows, by name; wide says that SYSCALL
	// records have one of them.
	rest map[string]event.Field
	wide bool

	// Of linux/auditd: the fields by rule, which rules correlations count, and the
	// fields of all correlations.
	ofRule  []map[event.Field]bool
	counted []bool
	grouped map[event.Field]bool
}

// For returns the taxonomy for rules: of auditd's records it has every field that one
// of them names.
func For(rules []sigma.Rule) *Taxonomy {
	t := &Taxonomy{Sources: make(event.Taxonomy, kinds), rest: map[string]event.Field{}, grouped: map[event.Field]bool{}}
	for kind, category := range []string{ProcessCreation: "process_creation", FileEvent: "file_event", FileDelete: "file_delete", NetworkConnection: "network_connection"} {
		t.Sources[kind] = event.Source{Logsource: event.Logsource{Product: "linux", Category: category}, Fields: who()}
	}
	t.Sources[Auditd] = event.Source{Logsource: event.Logsource{Product: "linux", Service: "auditd"}, Fields: auditd()}
	t.add(ProcessCreation, map[string]event.Field{"CurrentDirectory": fieldCurrentDirectory})
	t.add(FileEvent, map[string]event.Field{"TargetFilename": fieldTargetFilename, "SourceFilename": fieldSourceFilename})
	t.add(FileDelete, map[string]event.Field{"TargetFilename": fieldTargetFilename})
	t.add(NetworkConnection, map[string]event.Field{
		"Initiated": fieldInitiated, "DestinationIp": fieldDestinationIP, "DestinationPort": fieldDestinationPort,
		"DestinationIsIpv6": fieldDestinationIsIPv6, "SourceIp": fieldSourceIP, "SourcePort": fieldSourcePort, "Protocol": fieldProtocol,
	})
	t.extend(rules)
	t.mark(rules)
	return t
}

func (t *Taxonomy) add(kind int, fields map[string]event.Field) {
	for name, f := range fields {
		t.Sources[kind].Fields[name] = f
	}
}

// extend gives numbers to the fields that have none yet.
func (t *Taxonomy) extend(rules []sigma.Rule) {
	next := fieldRest
	for kind := ProcessCreation; kind < kinds; kind++ {
		for _, name := range absent() {
			t.Sources[kind].Fields[name] = next
			next++
		}
		next -= event.Field(len(absent()))
	}
	next += event.Field(len(absent()))
	const maxRest = 512 // fields of rules that somebody made to fill memory
	for i := range rules {
		if !rules[i].Logsource.Covers(t.Sources[Auditd].Logsource) && rules[i].Correlation == nil {
			continue
		}
		for _, name := range names(&rules[i]) {
			if _, known := t.Sources[Auditd].Fields[name]; !known && name != "" && len(t.rest) < maxRest {
				t.Sources[Auditd].Fields[name], t.rest[name] = next, next
				t.wide = t.wide || slices.Contains([]string{"suid", "egid", "sgid", "fsgid", "items", "subj", "per"}, name)
				next++
			}
		}
	}
}

// mark notes which fields rules use, in each kind of events.
func (t *Taxonomy) mark(rules []sigma.Rule) {
	for kind := range t.used {
		t.used[kind] = make([]bool, int(fieldRest)+len(absent())+len(t.rest))
		for i := range rules {
			if rules[i].Correlation == nil && !rules[i].Logsource.Covers(t.Sources[kind].Logsource) {
				continue
			}
			for f := range t.asked(kind, &rules[i]) {
				t.used[kind][f] = true
			}
		}
	}
	t.note(rules)
}

// asked returns the fields of a kind of events that a rule asks for.
func (t *Taxonomy) asked(kind int, r *sigma.Rule) map[event.Field]bool {
	asked := map[event.Field]bool{}
	for _, name := range names(r) {
		if f, ok := t.Sources[kind].Fields[name]; ok {
			asked[f] = true
		} else if name == "" { // a keyword may be in any
			for _, f := range t.Sources[kind].Fields {
				asked[f] = true
			}
		}
	}
	return asked
}

// Uses reports whether a rule is about events of a kind.
func (t *Taxonomy) Uses(kind int) bool { return slices.Contains(t.used[kind], true) }

// names returns the fields that a rule names, "" for all.
func names(r *sigma.Rule) []string {
	var list []string
	if c := r.Correlation; c != nil {
		list = append(list, c.GroupBy...)
		list = append(list, c.Field)
		for _, fields := range c.Aliases {
			for _, name := range fields {
				list = append(list, name)
			}
		}
		return slices.DeleteFunc(list, func(name string) bool { return name == "" })
	}
	var walk func(e *sigma.Expr)
	walk = func(e *sigma.Expr) {
		if e.Op >= sigma.Like {
			list = append(list, e.Field)
		}
		if e.Op == sigma.SameAs {
			list = append(list, e.Other)
		}
		for i := range e.Args {
			walk(&e.Args[i])
		}
	}
	for i := range r.Selections {
		walk(&r.Selections[i].Expr)
	}
	return list
}

// Fill makes an event of the first kind that a rule is about, with fields by name.
func (t *Taxonomy) Fill(ev *event.Event, r *sigma.Rule, fields map[string][]string) error {
	for kind, source := range t.Sources {
		if !r.Logsource.Covers(source.Logsource) {
			continue
		}
		ev.Reset(kind)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			f, ok := source.Fields[name]
			if !ok {
				return fmt.Errorf("events of %s have no field %q", source.Logsource, name)
			}
			for _, value := range fields[name] {
				ev.AddString(f, value)
			}
		}
		return nil
	}
	return fmt.Errorf("there are no events of %s", r.Logsource)
}
