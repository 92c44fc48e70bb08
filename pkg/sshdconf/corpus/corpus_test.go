package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCases(t *testing.T) {
	list, err := Cases()
	if err != nil || len(list) != 100 {
		t.Fatalf("%d cases, %v", len(list), err)
	}
	specs, refused := 0, 0
	for _, c := range list {
		if c.WorstRootLogin == "" || c.WorstPassword == "" {
			t.Errorf("%s is not in the index", c.Name)
		}
		if (c.Expected.Exit == 0) != strings.Contains(c.Expected.Stdout, "permitrootlogin ") {
			t.Errorf("%s: exit %d with %d bytes", c.Name, c.Expected.Exit, len(c.Expected.Stdout))
		}
		if c.Spec != "" {
			specs++
		}
		if c.Global.Exit != 0 {
			refused++
		}
	}
	if specs < 20 || refused < 15 {
		t.Errorf("%d cases with a connection, %d refused", specs, refused)
	}
}

func TestStage(t *testing.T) {
	list, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		dir := t.TempDir()
		if err := c.Stage(dir); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "sshd_config"))
		if err == nil && strings.Contains(string(data), "@DIR@") {
			t.Errorf("%s: @DIR@ is left", c.Name)
		}
		if strings.HasPrefix(c.Name, "061") {
			if to, err := os.Readlink(filepath.Join(dir, "sshd_config.d", "10-gone.conf")); err != nil || to == "" {
				t.Errorf("%s: %q, %v", c.Name, to, err)
			}
		}
	}
}
