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
		"seawall.v1.Position.lane",       // one of the host's own lanes, compared and never used as a path
		"seawall.v1.Credentials.host_id", // 16 bytes, kept in hexadecimal and never used as a path
		// Certificates, parsed by crypto/x509, bounded in number and size, and only verified.
		"seawall.v1.Credentials.chain",
		"seawall.v1.Bundle.authorities",
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
			if suspicious.MatchString(string(f.Name())) && !slices.Contains(text, string(f.FullName())) {
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
	for _, services := range []protoreflect.ServiceDescriptors{
		seawallv1.File_seawall_v1_ingest_proto.Services(),
		seawallv1.File_seawall_v1_enrol_proto.Services(),
	} {
		for i := range services.Len() {
			for j := range services.Get(i).Methods().Len() {
				walk(services.Get(i).Methods().Get(j).Output())
			}
		}
	}
	walk((&seawallv1.Refusal{}).ProtoReflect().Descriptor()) // the detail of a status
	for _, name := range []protoreflect.FullName{"seawall.v1.Ack", "seawall.v1.Bundle", "seawall.v1.Credentials", "seawall.v1.Pending"} {
		if !seen[name] {
			t.Errorf("%s was not walked", name)
		}
	}
}
