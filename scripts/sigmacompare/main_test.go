package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 20_000, 0, 7); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "all verdicts are the same") {
		t.Error(out.String())
	}
}
