package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"seawall/pkg/finding"
)

func TestExplain(t *testing.T) {
	var long []string
	for i := range 20 {
		long = append(long, fmt.Sprintf("/etc/%02d", 19-i))
	}
	x := Explanation{
		CheckInfo: finding.CheckInfo{ID: "ssh-x", Title: "T", Severity: finding.SeverityHigh, Rationale: strings.Repeat("because ", 20),
			References: []string{"a", "b"}, Remediation: "one\n\ttwo"},
		Rule: "s == 1", Place: "f.yaml:3", Profiles: []string{"baseline", "cis-1"}, AuditKey: "key",
		Facts: []Source{{Name: "sshd", State: "error", Reason: "refused\x1b", Depends: long}, {Name: "system", State: "known", Clocked: true}},
	}
	var b bytes.Buffer
	if err := Explain(&b, x); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.txt", b.Bytes())
	if few(long); len(long) != 20 || long[12] != "/etc/07" {
		t.Error("the caller's list was changed")
	}
}
