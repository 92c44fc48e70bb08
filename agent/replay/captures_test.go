package replay

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/sigma"
)

func own(t testing.TB) []sigma.Rule {
	t.Helper()
	list, err := rules.Own()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func detector(t testing.TB, list []sigma.Rule) *detect.Detector {
	t.Helper()
	d, err := detect.New(detect.Config{Rules: list, Report: func(finding.Detection) {}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func recorded(t testing.TB, name string) Captures {
	t.Helper()
	packed, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ParseCaptures(packed)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestOwnRules: of every behaviour that was really run, the rules that name it fire, and
// no other that is a detection. Another recording of them all is held against the rules by
//
//	SEAWALL_CAPTURES=/tmp/captures.gz go test ./agent/replay -run OwnRules
func TestOwnRules(t *testing.T) {
	list := own(t)
	d := detector(t, list)
	fires, quiet := map[string][]int{}, map[string][]int{}
	for i := range list {
		examples, err := Examples(&list[i])
		if err != nil {
			t.Fatal(err)
		}
		positive, negative := 0, 0
		for _, e := range examples {
			if e.Capture == "" {
				continue // of its own words, for lint
			}
			if e.Fires {
				positive++
				fires[e.Capture] = append(fires[e.Capture], i)
			} else {
				negative++
				quiet[e.Capture] = append(quiet[e.Capture], i)
			}
		}
		if positive == 0 || negative == 0 && d.Alone(i) {
			t.Errorf("%s: %d examples that fire, %d that do not", list[i].Title, positive, negative)
		}
	}
	again := os.Getenv("SEAWALL_CAPTURES") // may lack some
	all := recorded(t, cmp.Or(again, "../detect/rules/testdata/captures.gz"))
	for name := range all {
		t.Run(name, func(t *testing.T) {
			matched, err := Try(d, 0, &Example{Capture: name}, all)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range fires[name] {
				if !slices.Contains(matched, i) {
					t.Errorf("%s does not fire", list[i].Title)
				}
			}
			for _, i := range matched {
				if d.Alone(i) && !slices.Contains(fires[name], i) || slices.Contains(quiet[name], i) {
					t.Errorf("%s fires", list[i].Title)
				}
			}
		})
	}
	for name := range fires {
		if all[name] == nil && again == "" {
			t.Errorf("there is no capture %s", name)
		}
	}
}

// TestNeeds: each rule's event is there because of an audit rule that it says it needs.
func TestNeeds(t *testing.T) {
	keys := map[string]bool{}
	for line := range strings.Lines(rules.Profile()) {
		if _, key, ok := strings.Cut(strings.TrimSpace(line), " -k seawall-"); ok {
			keys[key] = true
		}
	}
	for _, r := range own(t) {
		var needs []string
		if err := r.Custom["needs"].Decode(&needs); err != nil {
			t.Errorf("%s: %v", r.Title, err)
		}
		for _, n := range needs {
			if !keys[n] {
				t.Errorf("%s needs %s, which detect.rules has not", r.Title, n)
			}
		}
	}
}

// TestLintOwn: what is built in lints as a file of anybody's does.
func TestLintOwn(t *testing.T) {
	names, err := filepath.Glob("../detect/rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, name := range names {
		abs, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !IsRules(data) {
			t.Errorf("%s is not taken for rules", name)
		}
		files = append(files, File{abs, data})
	}
	r := Lint(hostfs.Root{}, own(t), files)
	for _, err := range append(r.Problems, r.Failures...) {
		t.Error(err)
	}
	if len(r.Warnings) > 0 || r.Rules < 60 || r.Examples < 2*60 {
		t.Errorf("%d rules, %d examples, warnings %q", r.Rules, r.Examples, r.Warnings)
	}
}
