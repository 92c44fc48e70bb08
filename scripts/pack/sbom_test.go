package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// buildProgram builds a small program with modules of others.
func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pack")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func TestSBOM(t *testing.T) {
	path := buildProgram(t)
	var b, again strings.Builder
	if err := sbom(&b, "seawall", "1.2.0", packed, []string{path}); err != nil {
		t.Fatal(err)
	}
	if err := sbom(&again, "seawall", "1.2.0", packed, []string{path}); err != nil || again.String() != b.String() {
		t.Errorf("not the same twice: %v", err)
	}
	var doc spdx
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Version != "SPDX-2.3" || doc.Creation.Created != "2026-11-22T10:00:00Z" || !strings.HasPrefix(doc.Namespace, "https://") {
		t.Errorf("the document is %+v", doc)
	}
	ids := map[string]bool{doc.ID: true}
	valid := regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`)
	add := func(id string) {
		if ids[id] || !valid.MatchString(id) {
			t.Errorf("identifier %q is not one, or not the only one", id)
		}
		ids[id] = true
	}
	purls := ""
	for _, p := range doc.Packages {
		add(p.ID)
		for _, r := range p.References {
			purls += r.Locator + "\n"
		}
	}
	for _, f := range doc.Files {
		add(f.ID)
	}
	for _, r := range doc.Relationships {
		if !ids[r.From] || !ids[r.To] {
			t.Errorf("%+v names what is not there", r)
		}
	}
	contains(t, purls, "pkg:golang/stdlib@1.", "pkg:golang/go.yaml.in/yaml/v3@v3.")
	if err := sbom(&b, "seawall", "1.2.0", packed, []string{"sbom.go"}); err == nil {
		t.Error("what is no program has a bill of materials")
	}
}

// TestLicenses finds the texts of what this program is made of where the Go tool keeps it.
func TestLicenses(t *testing.T) {
	path := buildProgram(t)
	dirs := strings.Fields(shell(t, ".", "go env GOMODCACHE GOROOT"))
	var b strings.Builder
	if err := licenses(&b, dirs[0], dirs[1], []string{path}); err != nil {
		t.Fatal(err)
	}
	contains(t, b.String(), "\nGo 1.", "\ngo.yaml.in/yaml/v3 v3.", "The Go Authors", "Apache License", "MIT License")
	if got := escaped("github.com/BurntSushi/toml"); got != "github.com/!burnt!sushi/toml" {
		t.Errorf("in the cache it is %s", got)
	}
	empty := t.TempDir()
	if err := licenses(&b, dirs[0], empty, []string{path}); err == nil || !strings.Contains(err.Error(), "no license in "+empty) {
		t.Errorf("without a license: %v", err)
	}
}

// TestRun goes through the command line.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"post": "#!/bin/sh\n#include package\n#include base.sh\nrun\n", "seawall.sh": "package=seawall", "base.sh": "# base\n", "bad": "#include nothing.sh\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		args      string
		in        string
		want, err string
	}{
		{args: "script " + dir + "/post " + dir + " seawall", want: "#!/bin/sh\npackage=seawall# base\nrun\n"},
		{args: "script " + dir + "/bad " + dir + " seawall", err: "nothing.sh"},
		{args: "changelog deb seawall 1.0.0-1 A", in: changelog, want: "seawall (1.0.0-1) unstable; urgency=medium\n"},
		{args: "changelog rpm seawall 1.0.0-1 A", in: changelog, want: "- semver: 1.0.0-1\n"},
		{args: "changelog deb seawall 1.0.0-1 A", err: "no version"},
		{args: "manual x y", in: "# x\n", want: ".TH X 5"},
		{args: "settings x y /etc/x " + dir + "/base.sh", in: "#a: 1\n", want: ".B a: 1\n"},
		{args: "repack " + dir + " -1 " + dir + "/post", err: "not a deb"},
		{args: "", err: "usage"},
		{args: "sbom seawall", err: "usage"},
	} {
		var out strings.Builder
		err := run(strings.Fields(test.args), "1795341600", strings.NewReader(test.in), &out)
		if test.err == "" && (err != nil || !strings.Contains(out.String(), test.want)) {
			t.Errorf("%s: %v\n%s", test.args, err, out.String())
		}
		if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: %v, want %s", test.args, err, test.err)
		}
	}
	if err := run([]string{"sbom", "seawall", "1", "x"}, "now", nil, nil); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
		t.Errorf("without a time: %v", err)
	}
}
