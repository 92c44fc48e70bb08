package look

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzJSON: what is written says the same as what was given, and steers no terminal.
func FuzzJSON(f *testing.F) {
	f.Add("plain")
	f.Add("a\nFAIL\r\x1b]0;x\a\u009b2J\u202e\u2028\x7f\x00b \U000e0041 <&> \xff ä")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		for _, write := range []func(*bytes.Buffer) error{
			func(b *bytes.Buffer) error { return JSON(b, map[string]string{s: s}) },
			func(b *bytes.Buffer) error { return Line(b, map[string]string{s: s}) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexAny(b.String(), "\r\x1b\a\u009b\u202e\u2028\x7f\x00\U000e0041"); i >= 0 {
				t.Errorf("%q lets %q through", s, b.String()[max(0, i-10):])
			}
			var back map[string]string
			if err := json.Unmarshal(b.Bytes(), &back); err != nil || back[s] != s {
				t.Errorf("%q: got %q, %v", s, back, err)
			}
		}
	})
}

// TestJSONRefused: what is no JSON, and what cannot be written, is an error.
func TestJSONRefused(t *testing.T) {
	if err := JSON(new(bytes.Buffer), func() {}); err == nil {
		t.Error("a function was written")
	}
	if err := Line(broken{}, 1); err == nil {
		t.Error("a full disk was not seen")
	}
}

// broken is a full disk.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }
