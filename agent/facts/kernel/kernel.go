// Package kernel reads how the kernel is set: sysctl now and after the next boot, modules, core dumps, CPU vulnerabilities, AppArmor and SELinux.
package kernel

import (
	"context"
	"strings"

	"seawall/agent/facts/fact"
)

// Read reads the facts.
func Read(_ context.Context, _ fact.Env) Facts {
	f := Facts{Meta: fact.Meta{State: fact.StateUnknown, Reason: "not read by this version"},
		Sysctl: map[string]Sysctl{}, Modules: map[string]Module{}}
	for _, k := range Keys() {
		f.Sysctl[k] = Sysctl{}
	}
	for _, n := range names() {
		f.Modules[strings.ReplaceAll(n, "-", "_")] = Module{Name: n}
	}
	return f
}
