// Package policy holds what may import what in this project, as data, each rule
// with its reason. Its test asks the go command for the import graph and fails
// with the rule's reason for each breach.
//
// The rules speak of production code: test files may import what they like.
// Packages are named by their path below the module ("agent/spool"); a name stands
// for the package and all below it.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Module is the project's module path.
const Module = "seawall"

// Rule forbids imports.
type Rule struct {
	// From are the packages that the rule binds.
	From []string
	// Not are the packages or import paths that they must not reach. "=" before a
	// name leaves out what is below it.
	Not []string
	// Except are packages at or below From that the rule does not bind.
	Except []string
	// Direct limits the rule to what a package imports itself; without it, what
	// its imports import counts too.
	Direct bool
	Why    string
}

// Rules returns the project's import policy.
func Rules() []Rule {
	own := []string{"agent", "collector", "packaging", "pkg", "proto"}
	return append([]Rule{
		{From: []string{"agent"}, Not: []string{"collector"},
			Why: "a host's programs and the collector meet on the wire alone, so that each can be of another version"},
		{From: []string{"collector"}, Not: []string{"agent"},
			Why: "the collector trusts nothing of a host: it decodes what arrived and shares no code that reads hosts"},
		{From: []string{"pkg"}, Not: []string{"agent", "collector"},
			Why: "pkg is the floor: what stands on it must not hold it up"},
		{From: []string{"proto"}, Not: []string{"agent", "collector", "pkg"},
			Why: "proto holds generated code only"},
		{From: []string{"packaging"}, Not: []string{"agent", "collector", "pkg", "proto"},
			Why: "packaging is what is installed beside the programs: texts that others fill in, and no code"},
		{From: []string{"agent"}, Not: []string{"packaging"},
			Why: "who makes hosts is the collector: a host's programs carry no user-data"},
		{From: []string{"collector/bootstrap"}, Not: []string{"collector", "crypto/tls"},
			Why: "user-data is made of what one is given: who may have it, and with which token, is decided elsewhere"},
		{From: own, Not: []string{"pkg/unitctl"}, Except: []string{"agent/cmd/seawall-uplink", "collector/setup"}, Direct: true,
			Why: "units are enabled and started by the commands with which root sets a machine up, and by nothing else"},
		{From: own, Not: []string{"scripts"},
			Why: "developers' programs are no part of the product"},
		{From: []string{"agent/policy"}, Not: []string{"agent/detect"},
			Why: "state and events are two kinds of finding that never mix"},
		{From: []string{"agent/detect"}, Not: []string{"agent/policy"},
			Why: "state and events are two kinds of finding that never mix"},
		{From: []string{"collector/store"}, Not: []string{"collector/web", "collector/ingest"},
			Why: "store, web and ingest meet in cmd through interfaces of their users, so that each can be replaced"},
		{From: []string{"collector/web"}, Not: []string{"collector/store", "collector/ingest"},
			Why: "store, web and ingest meet in cmd through interfaces of their users, so that each can be replaced"},
		{From: []string{"collector/ingest"}, Not: []string{"collector/store", "collector/web"},
			Why: "store, web and ingest meet in cmd through interfaces of their users, so that each can be replaced"},
		{From: []string{"collector/notify"}, Not: []string{"collector/db", "collector/store", "collector/web", "collector/ingest", "database/sql"},
			Why: "the process that delivers messages has a network, and therefore no database"},
		{From: []string{"agent/spool"}, Not: []string{"agent", "collector", "pkg", "proto"},
			Why: "the spool carries bytes: who knows what they mean is none of its business"},
		{From: []string{"agent/uplink", "agent/identity", "agent/enrol", "agent/cmd/seawall-uplink"},
			Not: []string{"pkg/finding", "pkg/wire", "agent/facts", "agent/policy", "agent/sensor"},
			Why: "the process with the network must not be able to read, make or change a finding"},
		{From: []string{"agent/uplink", "agent/identity", "agent/enrol", "agent/cmd/seawall-uplink", "collector"}, Not: []string{"os/exec"}, Direct: true,
			Why: "what the network can reach starts no program"},
		{From: own, Not: []string{"os/exec"}, Except: []string{"agent/facts/command", "agent/fix"}, Direct: true,
			Why: "one runner with one list of programs: everything that is ever executed is in one place"},
		// kaudit hands recvmmsg(2) an array of headers, for which x/sys has no wrapper.
		{From: own, Not: []string{"unsafe", "C"}, Except: []string{"proto", "pkg/kaudit"}, Direct: true,
			Why: "memory safety is the reason for this language; the programs are static, so no C"},
		{From: own, Not: []string{"plugin", "net/http/pprof", "expvar", "=log"}, Direct: true,
			Why: "no code at run time, no handlers by side effect, no logger but the one a constructor was given"},
	}, sensor()...)
}

// sensor returns the rules of the privileged program.
func sensor() []Rule {
	sensor := []string{"agent/cmd/seawall"}
	return []Rule{
		{From: sensor, Not: []string{"net/http", "crypto/tls", "net/smtp", "net/rpc", "golang.org/x/net"},
			Why: "the privileged process has no network: it links nothing that could speak over one"},
		{From: sensor, Not: []string{"google.golang.org/grpc", "seawall/agent/uplink"},
			Why: "the privileged process has no network: sending is the uplink's"},
		{From: sensor, Not: []string{"modernc.org", "database/sql"},
			Why: "the sensor's store is the spool; a database would be the largest thing in it"},
		{From: sensor, Not: []string{"plugin", "C"},
			Why: "the sensor is one static file that loads no code"},
		{From: sensor, Not: []string{"seawall/pkg/unitctl", "seawall/pkg/yamlset"},
			Why: "the sensor asks systemd about units and reads its settings: it changes neither"},
	}
}

// Package is what the go command says of one package.
type Package struct {
	ImportPath string
	Name       string
	Standard   bool
	Module     *struct{ Path, Version string }
	Imports    []string
	Deps       []string
}

// List asks the go command for packages, run in dir with cgo off, as the programs
// are built.
func List(dir string, args ...string) ([]Package, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Name,Standard,Module,Imports,Deps"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	var packages []Package
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: decode answer: %w", err)
		}
		packages = append(packages, p)
	}
}

// Breaches returns a line for each import in packages that r forbids.
func (r *Rule) Breaches(packages []Package) []string {
	var lines []string
	for i := range packages {
		p := &packages[i]
		if !below(p.ImportPath, r.From) || below(p.ImportPath, r.Except) {
			continue
		}
		reached := p.Deps
		if r.Direct {
			reached = p.Imports
		}
		for _, path := range reached {
			// A folder may not be forbidden to itself: "agent/spool" imports none of "agent".
			if below(path, r.Not) && !below(path, r.From) {
				lines = append(lines, fmt.Sprintf("%s imports %s: %s", p.ImportPath, path, r.Why))
			}
		}
	}
	return lines
}

// below reports whether the import path is one of names or below it. Names without
// a dot in their first element may be of the module.
func below(path string, names []string) bool {
	for _, name := range names {
		if exact, ok := strings.CutPrefix(name, "="); ok {
			if path == exact {
				return true
			}
			continue
		}
		for _, full := range []string{name, Module + "/" + name} {
			if path == full || strings.HasPrefix(path, full+"/") {
				return true
			}
		}
	}
	return false
}

// Chain returns the longest chain of imports among the module's own packages.
func Chain(packages []Package) []string {
	imports := map[string][]string{}
	for i := range packages {
		imports[packages[i].ImportPath] = packages[i].Imports
	}
	longest := map[string][]string{}
	var walk func(string) []string
	walk = func(path string) []string {
		if chain, ok := longest[path]; ok {
			return chain
		}
		var best []string
		for _, next := range imports[path] {
			if _, own := imports[next]; own {
				if chain := walk(next); len(chain) > len(best) {
					best = chain
				}
			}
		}
		longest[path] = append([]string{path}, best...)
		return longest[path]
	}
	var best []string
	for i := range packages {
		if chain := walk(packages[i].ImportPath); len(chain) > len(best) {
			best = chain
		}
	}
	return best
}

// TwoWay returns the pairs of folders, cut to depth elements below the module, that
// import each other.
func TwoWay(packages []Package, depth int) [][2]string {
	cut := func(path string) (string, bool) {
		rest, own := strings.CutPrefix(path, Module+"/")
		parts := strings.Split(rest, "/")
		return strings.Join(parts[:min(depth, len(parts))], "/"), own
	}
	edges := map[[2]string]bool{}
	for i := range packages {
		from, _ := cut(packages[i].ImportPath)
		for _, path := range packages[i].Imports {
			if to, own := cut(path); own && from != to {
				edges[[2]string{from, to}] = true
			}
		}
	}
	var pairs [][2]string
	for edge := range edges {
		if edge[0] < edge[1] && edges[[2]string{edge[1], edge[0]}] {
			pairs = append(pairs, edge)
		}
	}
	return pairs
}
