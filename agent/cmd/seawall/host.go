package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/agent/policy"
	"seawall/pkg/hostfs"
)

// host holds the flags of commands that look at a host.
type host struct {
	root   string
	checks string
}

func (h *host) addRoot(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.root, "root", "/", "look at the host below this directory, such as a mounted image")
}

func (h *host) addChecks(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.checks, "checks", config.Default().ChecksDir, "directory of your own checks")
}

// env opens the host. Commands and the kernel are asked about the running system
// alone.
func (h *host) env() (fact.Env, error) {
	root, err := hostfs.Open(h.root)
	if err != nil {
		return fact.Env{}, fmt.Errorf("--root: %w", err)
	}
	env := fact.Env{Root: root, Now: time.Now}
	if root.Live() {
		env.Command = &command.Runner{}
	}
	return env, nil
}

// choose returns the ids that names stand for: ids themselves, and families. No
// names are all.
func choose(p *policy.Policy, names []string) ([]string, error) {
	var ids []string
	var known []string
	for _, c := range p.Checks() {
		known = append(known, c.ID, c.Family)
	}
	for _, name := range names {
		found := false
		for _, c := range p.Checks() {
			if c.ID == name || c.Family == name {
				ids = append(ids, c.ID)
				found = true
			}
		}
		if !found {
			return nil, unknown("check", name, known)
		}
	}
	return ids, nil
}

// unknown says that name is not known, and what was meant.
func unknown(what, name string, known []string) error {
	near, best := "", len(name)/2+1
	for _, k := range known {
		d := distance(name, k)
		if len(name) > 3 && containsWords(k, name) {
			d = 1
		}
		if d < best {
			near, best = k, d
		}
	}
	if near == "" {
		return fmt.Errorf("no %s is called %q", what, name)
	}
	return fmt.Errorf("no %s is called %q; did you mean %q?", what, name, near)
}

// containsWords reports whether k has every word of name.
func containsWords(k, name string) bool {
	words := strings.Split(k, "-")
	for w := range strings.SplitSeq(name, "-") {
		if !slices.Contains(words, w) {
			return false
		}
	}
	return true
}

// distance is the number of insertions, deletions and replacements from a to b,
// large for names that are too long to be meant.
func distance(a, b string) int {
	const limit = 100
	if len(a) > limit || len(b) > limit {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
