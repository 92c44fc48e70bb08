package report

import (
	"bytes"
	"testing"
	"time"

	"seawall/pkg/finding"
)

// TestRows: what belongs together and says the same is one row; nothing else is.
func TestRows(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	pending := func(group, resource, actual string, severity finding.Severity, days int) finding.Result {
		r := finding.Result{Check: "patch-updates", Group: group, Resource: resource, Status: finding.StatusFail, Severity: severity,
			Actual: actual, Expected: "3.0.15-1", Time: now}
		if days >= 0 {
			r.Since = now.Add(-time.Duration(days)*24*time.Hour - time.Hour)
		}
		return r
	}
	results := []finding.Result{
		pending("openssl", "libssl3:amd64", "3.0.11-1", finding.SeverityHigh, 1),
		pending("zlib", "zlib1g:amd64", "1.2", finding.SeverityHigh, 0),
		pending("openssl", "openssl:amd64", "3.0.11-1", finding.SeverityHigh, 12),
		pending("openssl", "libssl3:i386", "3.0.9-1", finding.SeverityHigh, 12),
		pending("openssl", "libssl-dev:amd64", "3.0.11-1", finding.SeverityHigh, 3),
		pending("openssl", "libssl-doc:all", "3.0.11-1", finding.SeverityLow, -1),
		pending("", "alone:amd64", "3.0.11-1", finding.SeverityHigh, -1),
		pending("", "other:amd64", "3.0.11-1", finding.SeverityHigh, -1),
	}
	checks := []finding.CheckInfo{{ID: "patch-updates", Family: "patch", Title: "Up to date", Remediation: "apt-get upgrade"}}
	var b bytes.Buffer
	if err := Table(&b, of(results, checks), Options{Width: 50}); err != nil {
		t.Fatal(err)
	}
	if err := Table(&b, of(results[1:2], checks), Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "rows.txt", b.Bytes())
}
