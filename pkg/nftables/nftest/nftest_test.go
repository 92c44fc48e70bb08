package nftest

import (
	"os"
	"testing"
)

// TestInside: the namespace is another one than the test's.
func TestInside(t *testing.T) {
	namespace := func() string {
		name, err := os.Readlink("/proc/thread-self/ns/net")
		if err != nil {
			t.Error(err)
		}
		return name
	}
	within := ""
	Inside(t, func() { within = namespace() })
	if within == "" || within == namespace() {
		t.Errorf("inside is %q, outside %q", within, namespace())
	}
}
