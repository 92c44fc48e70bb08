package report

import (
	"bytes"
	"strings"
	"testing"

	"seawall/pkg/finding"
)

func TestExplain(t *testing.T) {
	long := strings.Fields(strings.Repeat("/etc/x ", 20))
	x := Explanation{
		CheckInfo: finding.CheckInfo{ID: "ssh-x", Title: "T", Severity: finding.SeverityHigh, Rationale: strings.Repeat("because ", 20),
			References: []string{"a", "b"}, Remediation: "one\ntwo"},
		Rule: "s == 1", Place: "f.yaml:3",
		Facts: []Source{{Name: "sshd", State: "error", Reason: "refused\x1b", Depends: long}, {Name: "system", State: "known"}},
	}
	var b bytes.Buffer
	if err := Explain(&b, x); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.txt", b.Bytes())
	if few(long); len(long) != 20 || long[12] != "/etc/x" {
		t.Error("the caller's list was changed")
	}
}
