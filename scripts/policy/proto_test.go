package policy

import (
	"regexp"
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	seawallv1 "seawall/proto/seawall/v1"
)

// TestNoCommandsOnTheWire holds the promise that no message can make a host run,
// read, write or fetch anything: what a collector may send has no field that could
// name such a thing, and no text but the listed.
func TestNoCommandsOnTheWire(t *testing.T) {
	text := []string{
		"seawall.v1.Position.lane", // one of the host's own lanes, compared and never used as a path
	}
	suspicious := regexp.MustCompile(`(^|_)(cmd|command|exec|script|shell|path|file|dir|url|uri|host|address|update|download|upload|config|policy|rule|eval|plugin|code|arg|args|argv|env|body|data|payload)(s|_|$)`)

	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if suspicious.MatchString(string(f.Name())) {
				t.Errorf("%s: a collector's message must not carry such a thing to a host", f.FullName())
			}
			switch f.Kind() {
			case protoreflect.StringKind, protoreflect.BytesKind:
				if !slices.Contains(text, string(f.FullName())) {
					t.Errorf("%s is free text or bytes toward a host: say here why it is harmless, or use a number", f.FullName())
				}
			case protoreflect.MessageKind, protoreflect.GroupKind:
				if f.Message().FullName() == "google.protobuf.Any" {
					t.Errorf("%s could be anything", f.FullName())
				}
				walk(f.Message())
			}
		}
	}
	service := seawallv1.File_seawall_v1_ingest_proto.Services()
	for i := range service.Len() {
		for j := range service.Get(i).Methods().Len() {
			walk(service.Get(i).Methods().Get(j).Output())
		}
	}
	if len(seen) < 4 {
		t.Errorf("walked %d messages, expected DeliverResponse and what it holds", len(seen))
	}
}
