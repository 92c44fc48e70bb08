package policy

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write scripts/sensor-deps.txt anew")

const (
	top        = "../.."
	sensorList = "../sensor-deps.txt"
)

// own returns the module's packages without developers' programs.
func own(t *testing.T) []Package {
	t.Helper()
	packages, err := List(top, "./agent/...", "./collector/...", "./packaging/...", "./pkg/...", "./proto/...")
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func TestImports(t *testing.T) {
	packages := own(t)
	for _, rule := range Rules() {
		for _, breach := range rule.Breaches(packages) {
			t.Error(breach)
		}
	}
}

func TestChainOfImports(t *testing.T) {
	const limit = 6
	if chain := Chain(own(t)); len(chain) > limit {
		t.Errorf("the longest chain of imports has %d packages, %d is the limit: %s",
			len(chain), limit, strings.Join(chain, " → "))
	}
}

func TestTwoWayFolders(t *testing.T) {
	packages := own(t)
	for depth := 1; depth <= 2; depth++ {
		for _, pair := range TwoWay(packages, depth) {
			t.Errorf("%s and %s import each other: one of them is below the other, or both are one", pair[0], pair[1])
		}
	}
}

// TestSensorDependencies keeps the list of what the privileged program is made of
// under review: every new line is a decision.
func TestSensorDependencies(t *testing.T) {
	packages, err := List(top, "-deps", "./agent/cmd/seawall")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range packages {
		if p := &packages[i]; !p.Standard && !below(p.ImportPath, []string{Module}) {
			got = append(got, p.ImportPath)
		}
		// Of the standard library, what could reach a network or start code.
		if p := &packages[i]; p.Standard && slices.Contains([]string{"net", "os/exec", "plugin", "net/http", "crypto/tls"}, p.ImportPath) {
			got = append(got, "std: "+p.ImportPath)
		}
	}
	slices.Sort(got)
	if *update {
		if err := os.WriteFile(sensorList, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(sensorList)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), got); diff != "" {
		t.Errorf("the sensor's dependencies changed (- listed, + now); 'make deps' writes the list, its commit says why:\n%s", diff)
	}
}

// TestRulesBite shows that each kind of rule finds what it forbids.
func TestRulesBite(t *testing.T) {
	graph := []Package{
		{ImportPath: "seawall/agent/cmd/seawall", Imports: []string{"seawall/pkg/a"}, Deps: []string{"seawall/pkg/a", "net/http"}},
		{ImportPath: "seawall/agent/spool", Imports: []string{"seawall/pkg/a"}, Deps: []string{"seawall/pkg/a"}},
		{ImportPath: "seawall/agent/spool/tool", Imports: []string{"seawall/agent/spool"}, Deps: []string{"seawall/agent/spool"}},
		{ImportPath: "seawall/agent/facts/command", Imports: []string{"os/exec"}, Deps: []string{"os/exec"}},
		{ImportPath: "seawall/pkg/a", Imports: []string{"os/exec", "seawall/agent/spool"}, Deps: []string{"os/exec", "seawall/agent/spool"}},
		{ImportPath: "seawall/collector/web", Imports: []string{"seawall/collector/store"}, Deps: []string{"seawall/collector/store"}},
		{ImportPath: "seawall/collector/webhook", Imports: []string{"seawall/collector/store"}, Deps: []string{"seawall/collector/store"}},
	}
	var got []string
	for _, rule := range Rules() {
		for _, breach := range rule.Breaches(graph) {
			line, _, _ := strings.Cut(breach, ":")
			got = append(got, line)
		}
	}
	slices.Sort(got)
	want := []string{
		"seawall/agent/cmd/seawall imports net/http",
		"seawall/agent/spool imports seawall/pkg/a",
		"seawall/collector/web imports seawall/collector/store",
		"seawall/pkg/a imports os/exec",
		"seawall/pkg/a imports seawall/agent/spool",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := TwoWay(graph, 2); len(got) != 1 {
		t.Errorf("two-way folders: got %v, want agent/spool and pkg/a", got)
	}
}

func TestRulesHaveReasons(t *testing.T) {
	for _, rule := range Rules() {
		if len(rule.Why) < 20 || len(rule.From) == 0 || len(rule.Not) == 0 {
			t.Errorf("rule %v !%v has no reason worth its name: %q", rule.From, rule.Not, rule.Why)
		}
	}
}
