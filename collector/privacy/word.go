package privacy

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	seawallv1 "seawall/proto/seawall/v1"
)

// Forgotten stands where a name stood.
const Forgotten = "[forgotten]"

// CheckName returns what is wrong with a person's name, as accounts on hosts have them.
func CheckName(name string) error {
	switch {
	case len(name) < 2 || len(name) > 64:
		return errors.New("a name has 2 to 64 characters")
	case name == "root":
		return errors.New("root is nobody's name")
	}
	for i := range len(name) {
		if !inWord(name[i]) && name[i] != '.' && name[i] != '@' {
			return fmt.Errorf("%q cannot be in a name", name[i])
		}
	}
	if !inWord(name[0]) || !inWord(name[len(name)-1]) {
		return errors.New("a name begins and ends with a letter, a digit, - or _") // else a text has it twice where it ends and begins
	}
	return nil
}

// inWord reports whether a byte goes on with a name that stands before or after it.
func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-' || c >= 0x80
}

// without returns a text with [Forgotten] in the place of each word that is the name,
// and how many there were. Names in other letters are others.
func without(text, name string) (string, int) {
	if !strings.Contains(text, name) {
		return text, 0
	}
	var b strings.Builder
	n := 0
	for rest, before := text, byte(0); ; {
		i := strings.Index(rest, name)
		if i < 0 {
			b.WriteString(rest)
			return b.String(), n
		}
		if i > 0 {
			before = rest[i-1]
		}
		after := i + len(name)
		if inWord(before) || after < len(rest) && inWord(rest[after]) {
			b.WriteString(rest[:i+1])
			before, rest = rest[i], rest[i+1:]
			continue
		}
		b.WriteString(rest[:i])
		b.WriteString(Forgotten)
		n++
		before, rest = rest[after-1], rest[after:]
	}
}

// query returns the query of an address without the name, and how often it was there.
// In its encoding a letter may stand before the name that belongs to none of its words.
func query(old []byte, name string) ([]byte, int, error) {
	all, err := url.ParseQuery(string(old))
	if err != nil {
		return nil, 0, fmt.Errorf("decode a query: %w", err)
	}
	n := 0
	for _, values := range all {
		for i := range values {
			clean, found := without(values[i], name)
			values[i] = clean
			n += found
		}
	}
	return []byte(all.Encode()), n, nil
}

// record returns a record's encoding without the name, and how often it was there.
func record(body []byte, name string) ([]byte, int, error) {
	if !bytes.Contains(body, []byte(name)) {
		return body, 0, nil
	}
	var r seawallv1.Record
	if err := proto.Unmarshal(body, &r); err != nil {
		return nil, 0, fmt.Errorf("decode record: %w", err)
	}
	n := message(r.ProtoReflect(), name)
	if n == 0 {
		return body, 0, nil
	}
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(&r)
	if err != nil {
		return nil, 0, fmt.Errorf("encode record: %w", err)
	}
	return out, n, nil
}

// message takes the name out of all texts of a message.
func message(m protoreflect.Message, name string) (n int) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				n += message(v.List().Get(i).Message(), name)
			}
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			for i := range v.List().Len() {
				clean, found := without(v.List().Get(i).String(), name)
				v.List().Set(i, protoreflect.ValueOfString(clean))
				n += found
			}
		case f.Message() != nil && !f.IsMap():
			n += message(v.Message(), name)
		case f.Kind() == protoreflect.StringKind && !f.IsList():
			clean, found := without(v.String(), name)
			m.Set(f, protoreflect.ValueOfString(clean))
			n += found
		}
		return true
	})
	return n
}
