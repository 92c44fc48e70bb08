package sshdconf_test

import (
	"slices"
	"testing"

	"seawall/pkg/sshdconf"
)

// The worst PermitRootLogin for root and the worst PasswordAuthentication for
// anybody over our examples are the worst that a whole grid of connections gives
// with the real sshd.
func TestConnectionsFindTheWorst(t *testing.T) {
	order := []string{"-", "no", "forced-commands-only", "without-password", "yes"}
	worse := func(a, b string) string {
		if slices.Index(order, b) > slices.Index(order, a) {
			return b
		}
		return a
	}
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			config, err := sshdconf.Load(stage(t, &c), sshdconf.DefaultPath, sshdconf.Options{Groups: rootOnly})
			if err != nil {
				if c.WorstRootLogin != "-" {
					t.Error(err)
				}
				return
			}
			groups, more := config.Connections([]string{"alice", "bob"})
			if more {
				t.Error("more connections than are asked about")
			}
			root, password := "-", "-"
			for _, g := range groups {
				settings, err := config.Effective(g.Conn)
				if err != nil {
					t.Fatalf("%s: %v", g.Conn.Spec(), err)
				}
				if g.Conn.User == "root" {
					root = worse(root, settings["permitrootlogin"].Values[0])
				}
				password = worse(password, settings["passwordauthentication"].Values[0])
			}
			if root != c.WorstRootLogin && c.WorstRootLogin != "-" || password != c.WorstPassword && c.WorstPassword != "-" {
				t.Errorf("worst PermitRootLogin %s, PasswordAuthentication %s; want %s, %s", root, password, c.WorstRootLogin, c.WorstPassword)
				for _, g := range groups {
					t.Log(g.Key, g.Conn.Spec())
				}
			}
		})
	}
}
