package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUnitPage holds the table of docs/units.md to what the units say.
func TestUnitPage(t *testing.T) {
	page, err := os.ReadFile("../docs/units.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(seawall-[a-z-]+@?\\.service)` \\|([^|]*)\\|([^|]*)\\|([^|]*)\\|([^|]*)\\|$").FindAllStringSubmatch(string(page), -1) {
		rows[m[1]] = m[2:]
	}
	version, err := exec.Command("systemd-analyze", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	paths := units(t, "*.service")
	if len(rows) != len(paths) {
		t.Errorf("the page has %d services, the folder %d", len(rows), len(paths))
	}
	for _, path := range paths {
		row := rows[filepath.Base(path)]
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if row == nil {
			t.Errorf("the page does not know %s", path)
			continue
		}
		got := map[string]string{"User": "its own, for the moment", "CapabilityBoundingSet": "", "AmbientCapabilities": ""}
		for _, m := range regexp.MustCompile(`(?m)^(User|CapabilityBoundingSet|AmbientCapabilities)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
			got[m[1]] = m[2]
		}
		user, capabilities := strings.Trim(row[0], " `"), strings.Trim(row[1], " `")
		if capabilities == "none" {
			capabilities = ""
		}
		if got["User"] != user || got["CapabilityBoundingSet"] != capabilities || got["AmbientCapabilities"] != capabilities {
			t.Errorf("%s: the page says %q, %q, the unit %q", path, user, capabilities, got)
		}
		// Scores are those of one version of systemd: each weighs what it knows.
		if out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", path).Output(); err != nil {
			t.Errorf("%s: %v", path, err)
		} else if m := regexp.MustCompile(`: (\S+) [A-Z]+ `).FindSubmatch(out[strings.LastIndex(string(out), "Overall"):]); strings.HasPrefix(string(version), "systemd 252") && string(m[1]) != strings.TrimSpace(row[3]) {
			t.Errorf("%s: the page says %s, systemd %s", path, row[3], m[1])
		}
	}
}
