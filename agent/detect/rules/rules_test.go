package rules

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// captures returns the records of each behaviour in a file, as auditd would write them.
func captures(t testing.TB, name string) map[string][]byte {
	t.Helper()
	packed, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string][]byte{}
	} else if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range txtar.Parse(text).Files {
		all[f.Name] = f.Data
	}
	return all
}

func TestOwn(t *testing.T) {
	list, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 60 {
		t.Errorf("%d rules", len(list))
	}
	for _, r := range list {
		if r.ID == "" || r.Title == "" || r.Description == "" || r.Level == 0 || len(r.Techniques()) == 0 || len(r.FalsePositives) == 0 || r.Custom["needs"] == nil || r.Custom["examples"] == nil {
			t.Errorf("%s:%d: %s lacks something", r.File, r.Line, r.Title)
		}
	}
}
