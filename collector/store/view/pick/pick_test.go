package pick

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// What people typed is an argument, and each question mark has one.
func TestHosts(t *testing.T) {
	evil := `' OR 1=1 --%_\`
	q := fleet.HostQuery{Text: evil, OS: evil, Region: evil, Tag: evil, Standing: fleet.Standing(evil), Scope: []string{evil, evil},
		Presence: fleet.Silent, Severity: finding.SeverityHigh, Below: 50, Pending: true, Detected: true, Expired: true,
		Only: []fleet.HostID{fleet.HostID(strings.Repeat("0f", 16))}, After: fleet.HostID(strings.Repeat("01", 16))}
	c, err := Hosts(&q, Moment{Now: time.Unix(1000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.Text, "OR 1=1") || strings.Count(c.Text, "?") != len(c.Args) {
		t.Errorf("%d arguments for %s", len(c.Args), c.Text)
	}
	if got := c.Args[4]; got != `%' or 1=1 --\%\_\\%` {
		t.Errorf("the text is looked for as %v", got)
	}
	for name, q := range map[string]fleet.HostQuery{
		"presence": {Presence: fleet.Presence(evil)},
		"text":     {Text: strings.Repeat("x", MaxText+1)},
		"scope":    {Scope: make([]string, MaxScope+1)},
		"after":    {After: fleet.HostID(evil)},
	} {
		if c, err := Hosts(&q, Moment{}); err == nil {
			t.Errorf("%s: %s", name, c.Text)
		}
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		by      fleet.HostSort
		reverse bool
		want    string
	}{
		{"", false, "h.name, h.name, h.host"},
		{fleet.ByPending, true, "-h.pending DESC, h.name, h.host"},
		{fleet.BySeverity, true, "-h.severity5 DESC, -h.severity4 DESC, -h.severity3 DESC, -h.severity2 DESC, -h.severity1 DESC, h.name, h.host"},
	} {
		if got, err := Order(c.by, c.reverse); err != nil || got != c.want {
			t.Errorf("%q, %v: %q, %v", c.by, c.reverse, got, err)
		}
	}
	if got, err := Order("name; DROP TABLE host", false); err == nil {
		t.Errorf("ordered by %q", got)
	}
}

// No tags are no bound; too many are refused and add nothing.
func TestScope(t *testing.T) {
	var c Condition
	if err := c.Scope("h.host", nil); err != nil || c.Text != "" {
		t.Errorf("%q, %v", c.Text, err)
	}
	if err := c.Scope("h.host", make([]string, MaxScope+1)); err == nil || c.Text != "" {
		t.Errorf("%q, %v", c.Text, err)
	}
	c.And("a = ?", 1)
	if err := c.Scope("h.host", []string{"x", "y"}); err != nil {
		t.Fatal(err)
	}
	want := Condition{"a = ? AND h.host IN (SELECT host FROM host_tag WHERE tag IN (?, ?))", []any{1, "x", "y"}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}
