package main

import (
	"errors"
	"testing"
)

func TestJudge(t *testing.T) {
	all := contents{tells: true}
	for i := range uint64(records) {
		all.records = append(all.records, string(payload(i+1)))
	}
	but := func(c contents, gone ...uint64) contents { c.gone = gone; return c }
	lacking := all
	lacking.records = all.records[1:]
	twice := all
	twice.records = append([]string{all.records[3]}, all.records...)
	for _, tt := range []struct {
		name string
		c    contents
		err  error
		want outcome
	}{
		{"everything", all, nil, outcome{Located: true}},
		{"one lost and said", but(lacking, 1), nil, outcome{Lost: 1, Located: true}},
		{"one lost and another said", but(lacking, 2), nil, outcome{Lost: 1}},
		{"one lost and hidden", lacking, nil, outcome{Lost: 1}},
		{"one twice", twice, nil, outcome{Wrong: 1, Located: true}},
		{"nothing", contents{}, errors.New("no"), outcome{Lost: records, Refused: true}},
	} {
		if got := judge(tt.c, tt.err); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestLibrariesReadWhatTheyWrote also checks that each damage is another one.
func TestLibrariesReadWhatTheyWrote(t *testing.T) {
	for _, lib := range libraries() {
		dir := t.TempDir() + "/damaged"
		if err := fill(lib, dir); err != nil {
			t.Fatal(err)
		}
		files, err := readFiles(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases() {
			seen := map[damage]bool{}
			for _, d := range c.list(files, 50) {
				if b := files[d.file]; seen[d] || string(d.apply(append([]byte{}, b...))) == string(b) {
					t.Errorf("%s: %s: %+v changes nothing, or again", lib.name, c.name, d)
				}
				seen[d] = true
			}
		}
		if o := judge(lib.read(dir)); o.Lost > 0 || o.Wrong > 0 || o.Refused {
			t.Errorf("%s: %+v", lib.name, o)
		}
	}
}
