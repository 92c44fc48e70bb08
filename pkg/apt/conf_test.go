package apt

import "testing"

func TestDefaultRelease(t *testing.T) {
	for text, want := range map[string]string{
		"APT::Default-Release \"stable\";\n": "stable", "  apt::default-release stable;": "stable",
		"// APT::Default-Release \"x\";\n#APT::Default-Release \"x\";\n": "", "APT::Get::Assume-Yes \"true\";\n": "",
	} {
		if got, ok := DefaultRelease([]byte(text)); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
