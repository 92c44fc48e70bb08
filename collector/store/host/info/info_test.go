package info

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

// pack is a host's pack of checks by their titles.
func pack(digest byte, titles map[string]string) *finding.Pack {
	p := &finding.Pack{Digest: [32]byte{digest}}
	for id, title := range titles {
		p.Checks = append(p.Checks, finding.CheckInfo{ID: id, Title: title})
	}
	return p
}

// TestTake: a text that hosts share is one row with their number, and is gone with the last
// of them that has it.
func TestTake(t *testing.T) {
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := d.Writer
	if _, err := schema.Migrate(t.Context(), w.Conn); err != nil {
		t.Fatal(err)
	}
	many := map[string]string{}
	for i := range maxTexts {
		many[fmt.Sprint("x-", i)] = "x"
	}
	for i, step := range []struct {
		host    byte
		titles  map[string]string
		refused string
		want    []string // texts: check and hosts
	}{
		{1, map[string]string{"a": "one", "b": "two"}, "", []string{"a 1", "b 1"}},
		{2, map[string]string{"a": "one"}, "", []string{"a 2", "b 1"}},
		{2, map[string]string{"a": "one"}, "", []string{"a 2", "b 1"}},            // told again
		{2, map[string]string{"a": "another"}, "", []string{"a 1", "a 1", "b 1"}}, // of a newer version
		{1, map[string]string{"a": "another"}, "", []string{"a 2", "b 1"}},
		{3, many, "", nil},
		{3, map[string]string{"one-more": "x"}, "more checks than a host may have", nil},
	} {
		refused, err := Take(w, []byte{step.host}, pack(byte(i), step.titles))
		if err != nil || refused != step.refused {
			t.Errorf("step %d: %q, %v", i, refused, err)
		}
		var got []string
		err = w.Rows("SELECT check_id, hosts FROM info WHERE check_id NOT LIKE 'x-%' ORDER BY check_id", nil, func(scan func(...any) error) error {
			var check string
			var hosts int
			err := scan(&check, &hosts)
			got = append(got, fmt.Sprint(check, " ", hosts))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(step.want, got); step.want != nil && d != "" {
			t.Errorf("step %d (-want +got):\n%s", i, d)
		}
	}
}
