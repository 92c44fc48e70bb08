package privacy

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	seawallv1 "seawall/proto/seawall/v1"
)

// Names says whom the text of a field can name.
type Names string

// Whom it can name.
const (
	Nobody  Names = ""
	Person  Names = "a person"  // a name, or a text in which one can stand
	Machine Names = "a machine" // a name or number of one machine
)

// Field is one thing that hosts tell.
type Field struct {
	Name  string `json:"name"` // of the schema
	Kind  string `json:"kind"`
	Names Names  `json:"names,omitempty"`
}

// Group is what hosts tell in one message.
type Group struct {
	Name   string  `json:"name"` // of the schema
	About  string  `json:"about"`
	Fields []Field `json:"fields"`
}

// Collected returns what hosts send, as the schema of this version has it, each message
// after those that hold it.
func Collected() []Group {
	var out []Group
	seen := make(map[protoreflect.FullName]bool)
	waiting := []protoreflect.MessageDescriptor{(&seawallv1.Record{}).ProtoReflect().Descriptor()}
	for len(waiting) > 0 {
		m := waiting[0]
		waiting = waiting[1:]
		if seen[m.FullName()] {
			continue
		}
		seen[m.FullName()] = true
		g := Group{Name: string(m.Name()), About: about()[string(m.Name())]}
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			g.Fields = append(g.Fields, Field{string(f.Name()), kind(f), whom()[g.Name+"."+string(f.Name())]})
			if f.Message() != nil {
				waiting = append(waiting, f.Message())
			}
		}
		slices.SortFunc(g.Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		out = append(out, g)
	}
	return out
}

// kind is what a field holds, in a word or two.
func kind(f protoreflect.FieldDescriptor) string {
	word := "number"
	switch {
	case f.Message() != nil:
		word = string(f.Message().Name())
	case f.Kind() == protoreflect.StringKind:
		word = "text"
	case f.Kind() == protoreflect.BoolKind:
		word = "yes or no"
	case f.Kind() == protoreflect.BytesKind:
		word = "digest"
	case f.Kind() == protoreflect.EnumKind:
		word = "one of a few words"
	case strings.HasSuffix(string(f.Name()), "_unix_nano"):
		word = "time"
	}
	if f.IsList() {
		word += ", several"
	}
	return word
}

// about says what the messages are.
func about() map[string]string {
	return map[string]string{
		"Record":    "What a host sends: one of the following, and when it was made.",
		"Change":    "A result that differs from the one before.",
		"StatePart": "The results of all checks, sent from time to time, so that host and collector agree.",
		"Result":    "What a check found: what is, what should be, and where that stands.",
		"Evidence":  "A line of a file of settings, or of a program's answer. Values that are secret are taken out on the host.",
		"Cause":     "Who made a change, as the kernel's audit has it. Secrets in command lines are taken out on the host.",
		"Pack":      "The texts of the checks that a host has.",
		"CheckInfo": "The text of one check.",
		"Heartbeat": "A sign of life, once a minute.",
		"Host":      "What the machine is.",
		"Counters":  "How the agent does: what it has read, counted and lost.",
		"Detection": "What a rule saw in the kernel's audit, and how often.",
		"Sample":    "One event that a rule matched.",
		"Actor":     "Who was behind it. Secrets in command lines are taken out on the host.",
		"Process":   "A process above the one that was seen.",
	}
}

// whom says of the texts and numbers of the schema whom they can name. Of a text that is
// not here a test asks to be told; [Nobody] is an answer.
func whom() map[string]Names {
	return map[string]Names{
		"Cause.auid": Person, "Cause.uid": Person, "Cause.euid": Person, "Cause.login_user": Person, "Cause.user": Person,
		"Cause.tty": Person, "Cause.command": Person, "Cause.exe": Person, "Cause.path": Person, "Cause.operation": Nobody,
		"Actor.auid": Person, "Actor.uid": Person, "Actor.login": Person, "Actor.user": Person, "Actor.from": Person,
		"Actor.via": Nobody, "Actor.program": Person, "Actor.text": Person,
		"Process.exe": Person, "Process.command": Person,
		"Sample.command": Person, "Sample.target": Person, "Sample.records": Person, "Sample.syscall": Nobody,
		"Detection.group": Person, "Detection.id": Nobody, "Detection.rule": Nobody, "Detection.title": Nobody,
		"Detection.description": Nobody, "Detection.false_positives": Nobody, "Detection.techniques": Nobody,
		"Result.resource": Person, "Result.actual": Person, "Result.expected": Person, "Result.check": Nobody, "Result.group": Nobody,
		"Evidence.file": Person, "Evidence.text": Person,
		"Host.name": Machine, "Host.machine_id": Machine, "Host.droplet_id": Machine, "Host.region": Nobody, "Host.tags": Machine,
		"Host.os": Nobody, "Host.os_id": Nobody, "Host.os_version": Nobody, "Host.kernel": Nobody, "Host.arch": Nobody, "Host.agent_version": Nobody,
		"Counters.audit_mode": Nobody, "Counters.audit_reason": Nobody,
		"CheckInfo.id": Nobody, "CheckInfo.family": Nobody, "CheckInfo.title": Nobody, "CheckInfo.rationale": Nobody,
		"CheckInfo.remediation": Nobody, "CheckInfo.references": Nobody,
	}
}
