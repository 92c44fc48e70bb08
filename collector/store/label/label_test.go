package label

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

const id fleet.HostID = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

func TestWrite(t *testing.T) {
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	key, err := id.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, 3*maxTags)
	for i := range many {
		many[i] = fmt.Sprintf("t%03d", i)
	}
	for _, c := range []struct {
		host finding.Host
		want string
		tags int
	}{
		{finding.Host{Name: "WEB-1", OS: "Debian 13", Region: "fra1", DropletID: "42", Tags: []string{"b", "a", "b"}},
			"Debian 13|fra1|web-1\n" + string(id) + "\n42\ndebian 13", 2},
		{finding.Host{Name: "other"}, "||other\n" + string(id) + "\n\n", 0},
		{finding.Host{Tags: many}, "||\n" + string(id) + "\n\n", maxTags},
	} {
		if err := Write(d.Writer, id, key, &c.host); err != nil {
			t.Fatal(err)
		}
		var os, region, search string
		var rows, tags int
		if _, err := d.Writer.Row("SELECT os, region, search, (SELECT count(*) FROM host_label), (SELECT count(*) FROM host_told WHERE host = l.host) FROM host_label l WHERE host = ?",
			[]any{key}, &os, &region, &search, &rows, &tags); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, strings.Join([]string{os, region, search}, "|")); diff != "" || rows != 1 || tags != c.tags {
			t.Errorf("%d rows, %d tags, want %d: %s", rows, tags, c.tags, diff)
		}
	}
}

// TestPrint has all that is written count, and nothing that each heartbeat changes.
func TestPrint(t *testing.T) {
	base := finding.Host{Name: "a", OS: "b", Region: "c", DropletID: "d", Tags: []string{"x", "y"}}
	same := base
	same.Load1, same.UptimeSeconds, same.MemoryFree, same.Tags = 3, 4, 5, []string{"y", "x", "x"}
	if Of(id, &base) != Of(id, &same) {
		t.Error("another load is another print")
	}
	seen := map[Print]bool{0: true}
	for _, change := range []func(*finding.Host){
		func(*finding.Host) {},
		func(h *finding.Host) { h.Name = "A2" },
		func(h *finding.Host) { h.OS = "" },
		func(h *finding.Host) { h.Region = "bc" },
		func(h *finding.Host) { h.DropletID = "" },
		func(h *finding.Host) { h.Tags = []string{"xy"} },
		func(h *finding.Host) { h.Tags = nil },
	} {
		h := base
		change(&h)
		if p := Of(id, &h); seen[p] {
			t.Errorf("%+v has a print that is taken", h)
		} else {
			seen[p] = true
		}
	}
}
