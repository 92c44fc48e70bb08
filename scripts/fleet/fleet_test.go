package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"seawall/scripts/pgtest"
)

func TestKind(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/",
		"/hosts/000000000000000000000005ea000001?before=77": "/hosts/{id}?before",
		"/checks/sshd-setting-03":                           "/checks/{check}",
		"/detections?rule=rule-07&before=5&before=6":        "/detections?before&rule",
		"/checks/patch-security-updates":                    "/checks/{check}",
	} {
		if got := kind(path); got != want {
			t.Errorf("kind of %s is %s, want %s", path, got, want)
		}
	}
}

// TestSteps fills a small store, tells its size, and reads every kind of page of the
// real collector on it. Figures are not judged but for a limit that no page may pass.
func TestSteps(t *testing.T) {
	var out bytes.Buffer
	args := []string{"-folder", t.TempDir(), "-hosts", "60", "-days", "8", "-reads", "2", "-limit", "30s"}
	if err := run(t.Context(), append(args, "fill", "size", "pages"), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{`fill   60 hosts, 220 checks, 8 days`, `size   \d+ MB for 60 hosts`, `size   state `,
		` /\n`, ` /hosts/\{id\}\n`, ` /checks/\{check\}\n`, ` /detections\n`, ` /api/v1/hosts\n`, `, 0 slower than 30s`} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("nothing says %q in\n%s", want, &out)
		}
	}
	if err := run(t.Context(), append(args, "fill"), &out); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("a store that is there was filled: %v", err)
	}
	out.Reset()
	if err := run(t.Context(), []string{"-folder", args[1], "-reads", "1", "-limit", "1ns", "-collector", args[1] + "/seawall-collector", "pages"}, &out); err == nil {
		t.Error("no page is slower than a nanosecond")
	}
	for _, args := range [][]string{nil, {"walk"}, {"-hosts", "x"}} {
		if err := run(t.Context(), args, &out); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// TestPostgres does the same on PostgreSQL.
func TestPostgres(t *testing.T) {
	var out bytes.Buffer
	args := []string{"-folder", t.TempDir(), "-store", pgtest.Start(t).New(), "-hosts", "60", "-days", "8", "-reads", "2", "-limit", "30s"}
	if err := run(t.Context(), append(args, "fill", "size", "pages"), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{`fill   60 hosts, 220 checks, 8 days`, `size   \d+ MB for 60 hosts`, `size   state `, ` /checks/\{check\}/triage\n`, `, 0 slower than 30s`} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("nothing says %q in\n%s", want, &out)
		}
	}
}
