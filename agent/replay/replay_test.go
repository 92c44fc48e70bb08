package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/agent/look"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/rulefile"
)

const netcat = `title: Netcat
id: 11111111-1111-4111-8111-111111111111
logsource: {product: linux, category: process_creation}
detection:
    selection: {Image|endswith: /nc}
    condition: selection
level: high
tags: [attack.t1059.004]
examples:
  - {fires: true, event: {Image: /usr/bin/nc}}
  - {fires: false, event: {Image: [/usr/bin/ncat]}}
  - fires: true
    log: |
`

// execution is a program that was started, as auditd writes it.
func execution(serial int, second int, exe string, args ...string) string {
	head := fmt.Sprintf("msg=audit(%d.000:%d): ", second, serial)
	b := "type=SYSCALL " + head + `arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=100 pid=` + fmt.Sprint(1000+serial) +
		` auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="x" exe="` + exe + `" key="seawall-exec"` + "\n"
	b += "type=EXECVE " + head + fmt.Sprintf("argc=%d", len(args))
	for i, a := range args {
		b += fmt.Sprintf(" a%d=%q", i, a)
	}
	return b + "\ntype=CWD " + head + `cwd="/root"` + "\ntype=EOE " + head + "\n"
}

func indent(s string) string {
	return "      " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n      ") + "\n"
}

func parse(t testing.TB, text string) []sigma.Rule {
	t.Helper()
	list, err := rulefile.Parse("my.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRun(t *testing.T) {
	var log string
	for i := range 40 {
		log += execution(i+1, 1795289500+i, "/usr/bin/nc", "nc", "--password", "hunter2", "203.0.113.5")
	}
	log += "noise\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(log)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	d := detector(t, parse(t, netcat+indent(log)))
	for name, in := range map[string]string{"text": log, "gzip": packed.String()} {
		r, err := Run(strings.NewReader(in), d, nil)
		if err != nil || len(r.Detections) != 1 || r.Lines != 1 || r.Audit.Events != 40 {
			t.Fatalf("%s: %v, %+v", name, err, r)
		}
		x := r.Detections[0]
		if x.Count != 40 || x.Last.Sub(x.First).Seconds() != 39 || len(x.Samples) != 5 || !x.Ended || x.Severity != finding.SeverityHigh {
			t.Errorf("%s: %+v", name, x)
		}
		if s := x.Samples[0]; s.Command != "nc --password *** 203.0.113.5" || s.Serial != 1 || s.Actor.AUID != 1000 {
			t.Errorf("%s: %+v", name, s)
		}
		text, err := json.Marshal(r.Detections)
		if err != nil || bytes.Contains(text, []byte("hunter2")) {
			t.Errorf("%s: %v: a secret in %s", name, err, text)
		}
	}
}

func TestPrint(t *testing.T) {
	d := detector(t, parse(t, netcat+indent(execution(1, 1795289500, "/usr/bin/nc", "nc"))))
	r, err := Run(strings.NewReader(execution(7, 1795289500, "/usr/bin/nc", "nc", "a\x1b]0;")), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all Result
	all.Add(r)
	all.Add(&Result{Lines: 2})
	for format, want := range map[string]string{"table": "detections: 1, events: 1, records: 4, 2 lines are no records\n", "json": `"skipped": 2`, "jsonl": `"title":"Netcat"`} {
		var out strings.Builder
		if err := all.Print(&out, format, look.Options{}); err != nil || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s: %v\n%s", format, err, out.String())
		}
	}
}

func TestLint(t *testing.T) {
	good := netcat + indent(execution(1, 1795289500, "/usr/bin/nc", "nc"))
	for name, tt := range map[string]struct {
		text string
		want string
		code int
	}{
		"good":      {good, "detections: 1, examples: 3, all as they should be", 0},
		"thought":   {strings.Replace(good, "[/usr/bin/ncat]", "[a, /bin/nc]", 1), "does not fire", 1},
		"no yaml":   {"title: [", "my.yaml:", 2},
		"no field":  {strings.Replace(good, "{Image: /usr/bin/nc}", "{Imgae: /usr/bin/nc}", 1), `no field "Imgae"`, 2},
		"no fires":  {strings.Replace(good, "fires: true, event", "event", 1), "want fires, and one of", 2},
		"capture":   {strings.Replace(good, "event: {Image: /usr/bin/nc}", "capture: x", 1), "captures", 2},
		"no record": {netcat + "      x\n", "no record", 2},
		"allowed":   {"allow:\n- {rule: 5d3f0f54-7c38-4a7e-9d0e-0f2b8f0d7c11, owner: a, reason: b, expires: 2001-02-03}\n", `my.yaml:2: allow: no rule has the id "5d3f0f54`, 2},
		"unasked":   {"allow:\n- {rule: a, owner: b, expires: 3}\n", "my.yaml:2:3: reason is missing", 2},
		"one id":    {good + "---\n" + good, "the id is that of my.yaml:1 too", 2},
	} {
		var out strings.Builder
		code, err := Lint(hostfs.Root{}, nil, []File{{"my.yaml", []byte(tt.text)}}).Print(&out, "detections")
		if err != nil {
			t.Fatal(err)
		}
		want := tt.want
		if name == "thought" {
			want = "fires, and should not"
		}
		if code != tt.code || !strings.Contains(out.String(), want) {
			t.Errorf("%s: status %d\n%s", name, code, out.String())
		}
	}
}

// TestLintAllow: an allow list is read beside the rules that it is about.
func TestLintAllow(t *testing.T) {
	id := own(t)[0].ID
	for expires, want := range map[string]string{
		time.Now().AddDate(0, 0, 2).Format(time.DateOnly): "allowances: 1, all can be read\n",
		"2001-02-03": "allow.yaml:2: warning: ann's allowance is past its last day and allows nothing\nallowances: 1, all can be read\n",
	} {
		var out strings.Builder
		list := File{"allow.yaml", []byte("allow:\n- {rule: " + id + ", owner: ann, reason: b, expires: " + expires + "}\n")}
		if code, err := Lint(hostfs.Root{}, own(t), []File{list}).Print(&out, "detections"); code != 0 || err != nil || out.String() != want {
			t.Errorf("%s: status %d, %v: %s", expires, code, err, &out)
		}
	}
}

// TestLintHost: an allowance of a rule of the host's own is right.
func TestLintHost(t *testing.T) {
	root, err := hostfs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(root.Path(rules.Dir), 0o755), os.WriteFile(root.Path(rules.Dir+"/mine.yaml"), []byte(netcat), 0o600)); err != nil {
		t.Fatal(err)
	}
	theirs, err := rulefile.Parse("mine.yaml", []byte(netcat))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int{theirs[0].ID: 0, "5d3f0f54-7c38-4a7e-9d0e-0f2b8f0d7c11": 2} {
		r, err := LintHost(root, []File{{"allow.yaml", []byte("allow:\n- {rule: " + id + ", owner: a, reason: b, expires: 2026-01-02}\n")}})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if code, err := r.Print(&out, "detections"); code != want || err != nil {
			t.Errorf("%s: status %d, %v: %s", id, code, err, &out)
		}
	}
}

func TestClock(t *testing.T) {
	var c clock
	var got []bool
	for _, s := range []string{"audit(100.1:1): ", "audit(100.9:2): ", "audit(99.0:3): ", "audit(101.0:4): ", "audit(x", "", "audit(.1", "audit(9999999999999999.0:1)"} {
		got = append(got, c.tick([]byte(s)))
	}
	if diff := cmp.Diff([]bool{true, false, false, true, false, false, false, false}, got); diff != "" || c.now.Unix() != 101 {
		t.Errorf("%v\n%s", c.now, diff)
	}
}

func FuzzExamples(f *testing.F) {
	f.Add("[{fires: true, event: {Image: [a, b]}}]")
	f.Add("[{fires: no, log: \"type=1300 msg=audit(1.000:1): a=b\"}]")
	f.Add("{fires: &a [*a]}")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := rulefile.Parse("f", []byte("title: t\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: linux}\ndetection: {a: {Image: x}, condition: a}\nexamples: "+text))
		if err != nil || len(list) != 1 {
			return
		}
		d, err := detect.New(detect.Config{Rules: list, Report: func(finding.Detection) {}})
		if err != nil {
			return
		}
		examples, _ := Examples(&list[0]) // its errors are not of interest, that it ends is
		for _, e := range examples {
			_, _ = Try(d, 0, &e, nil)
		}
	})
}

func FuzzRun(f *testing.F) {
	f.Add([]byte(execution(1, 1795289500, "/usr/bin/nc", "nc", "a")))
	d := detector(f, own(f))
	f.Fuzz(func(t *testing.T, log []byte) {
		r, err := Run(bytes.NewReader(log), d, nil)
		if err == nil && len(r.Detections) > 0 && r.Audit.Events == 0 {
			t.Error("detections without events")
		}
	})
}

func FuzzCaptures(f *testing.F) {
	f.Add([]byte("-- a --\nx\n-- --\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(text) // into memory
		_ = z.Close()
		if _, err := ParseCaptures(packed.Bytes()); err != nil {
			t.Error(err)
		}
		_, _ = ParseCaptures(text)
	})
}

// TestManyRules: with ten thousand rules the right one fires.
func TestManyRules(t *testing.T) {
	var list []sigma.Rule
	for i := range 10 {
		var b strings.Builder
		for j := range 1000 {
			fmt.Fprintf(&b, "title: rule %[1]d\nid: %[1]d\nlogsource: {product: linux, category: process_creation}\ndetection: {s: {CommandLine|contains: 'word-%[1]d-of-many'}, condition: s}\n---\n", i*1000+j)
		}
		some, err := rulefile.Parse("many.yaml", []byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, some...)
	}
	d := detector(t, list)
	for _, rule := range []int{0, 4711, 9999} {
		e := Example{Event: map[string][]string{"CommandLine": {fmt.Sprintf("x word-%d-of-many y", rule)}}}
		if matched, err := Try(d, rule, &e, nil); err != nil || len(matched) != 1 || matched[0] != rule {
			t.Errorf("rule %d: %v fire, %v", rule, matched, err)
		}
	}
}
