package finding

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStatusNames(t *testing.T) {
	// The numbers are on disk and on the wire: they never change.
	for number, name := range map[Status]string{0: "unspecified", 1: "pass", 2: "fail", 3: "not_applicable", 4: "unknown", 5: "error", 6: "waived"} {
		b, err := json.Marshal(number)
		if err != nil || string(b) != `"`+name+`"` || number.String() != name {
			t.Errorf("%d: got %s, %q, %v, want %q", number, b, number, err, name)
		}
		var back Status
		if err := json.Unmarshal(b, &back); err != nil || back != number {
			t.Errorf("%s: got %d, %v", b, back, err)
		}
		if bad := slices.Contains([]string{"fail", "unknown", "error"}, name); number.Bad() != bad {
			t.Errorf("%s is bad: %v", name, number.Bad())
		}
	}
	if got := Status(200).String(); got != "status(200)" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"", "Pass", "pass ", "status(1)", "pass\x00"} {
		s := StatusFail
		err := s.UnmarshalText([]byte(bad))
		if err == nil || s != StatusFail || !strings.Contains(err.Error(), "is none of pass, fail, ") {
			t.Errorf("%q: got %v, %v", bad, s, err)
		}
	}
}

func TestSeverityNames(t *testing.T) {
	for number, name := range map[Severity]string{0: "unknown", 1: "informational", 2: "low", 3: "medium", 4: "high", 5: "critical"} {
		b, err := json.Marshal(number)
		if err != nil || string(b) != `"`+name+`"` || number.String() != name {
			t.Errorf("%d: got %s, %q, %v, want %q", number, b, number, err, name)
		}
		var back Severity
		if err := json.Unmarshal(b, &back); err != nil || back != number {
			t.Errorf("%s: got %d, %v", b, back, err)
		}
	}
	if got := Severity(6).String(); got != "severity(6)" {
		t.Errorf("got %q", got)
	}
	s := SeverityHigh
	if err := s.UnmarshalText([]byte("fatal")); err == nil || s != SeverityHigh {
		t.Errorf("got %v, %v", s, err)
	}
}

func results() []Result {
	return []Result{
		{Check: "ssh-use-pam", Status: StatusPass, Severity: SeverityLow, Actual: "yes", Expected: "yes"},
		{Check: "patch-security-updates", Resource: "zlib1g:amd64", Status: StatusFail, Severity: SeverityHigh, Actual: "1", Expected: "2"},
		{Check: "patch-security-updates", Resource: "bash:amd64", Status: StatusFail, Severity: SeverityCritical, Actual: "5", Expected: "6"},
	}
}

// TestDigestGolden: hosts and collectors of different versions compare digests.
func TestDigestGolden(t *testing.T) {
	for want, list := range map[string][]Result{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": nil, // SHA-256 of nothing
		"254a8a01e241091740c93899aca24e3299edf28982d34a463767238c713b7f62": results(),
	} {
		if got := Digest(list); hex.EncodeToString(got[:]) != want {
			t.Errorf("%d results: got %x, want %s", len(list), got, want)
		}
	}
}

func TestDigestOrder(t *testing.T) {
	want := Digest(results())
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {2, 0, 1}} {
		var list []Result
		for _, i := range order {
			list = append(list, results()[i])
		}
		before := fmt.Sprint(list)
		if got := Digest(list); got != want {
			t.Errorf("order %v changes the digest", order)
		}
		if fmt.Sprint(list) != before {
			t.Error("the caller's list was sorted")
		}
	}
}

// TestDigestFields: what calls for action is in the digest, and nothing else.
func TestDigestFields(t *testing.T) {
	in := []string{"Check", "Resource", "Status", "Severity", "Actual", "Expected"}
	want := Digest(results())
	typ := reflect.TypeFor[Result]()
	for i := range typ.NumField() {
		list := results()
		switch f := reflect.ValueOf(&list[1]).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Uint8:
			f.SetUint(f.Uint() + 1)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]Evidence{{File: "/x", Line: 1}}))
		case reflect.Pointer:
			f.Set(reflect.ValueOf(&Cause{Exe: "/x"}))
		case reflect.Struct:
			f.Set(reflect.ValueOf(time.Unix(1, 0)))
		default:
			t.Fatalf("%s is new: say whether it belongs to the digest", typ.Field(i).Name)
		}
		if changed := Digest(list) != want; changed != slices.Contains(in, typ.Field(i).Name) {
			t.Errorf("%s changes the digest: %v", typ.Field(i).Name, changed)
		}
	}
	if Digest(results()[:2]) == want || Digest(append(results(), Result{})) == want {
		t.Error("the number of results does not change the digest")
	}
	// Text cannot move from one field to the next unseen.
	moved := []Result{{Check: "ab", Resource: "c"}, {Check: "a", Resource: "bc"}}
	if Digest(moved[:1]) == Digest(moved[1:]) {
		t.Error("fields run into each other")
	}
}

func TestCompare(t *testing.T) {
	list := []Result{{Check: "b"}, {Check: "a", Resource: "z"}, {Check: "a", Resource: "a\x00"}, {Check: "a"}, {Check: "a-b"}, {Check: "a", Resource: "a"}}
	slices.SortFunc(list, Compare)
	var got []Key
	for i := range list {
		got = append(got, list[i].Key())
	}
	want := []Key{{"a", ""}, {"a", "a"}, {"a", "a\x00"}, {"a", "z"}, {"a-b", ""}, {"b", ""}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if Compare(list[0], list[0]) != 0 {
		t.Error("a result differs from itself")
	}
}

func TestSame(t *testing.T) {
	base := func() Result {
		r := results()[1]
		r.Evidence = []Evidence{{File: "/a", Line: 1, Text: "t"}, {Text: "u"}}
		return r
	}
	for name, tt := range map[string]struct {
		change func(*Result)
		same   bool
	}{
		"nothing":          {func(*Result) {}, true},
		"time":             {func(r *Result) { r.Time = time.Unix(1, 0) }, true},
		"since":            {func(r *Result) { r.Since = time.Unix(1, 0) }, true},
		"group":            {func(r *Result) { r.Group = "openssl" }, false},
		"cause":            {func(r *Result) { r.Cause = &Cause{Exe: "/x"} }, true},
		"evidence's text":  {func(r *Result) { r.Evidence[0].Text = "other" }, true},
		"status":           {func(r *Result) { r.Status = StatusPass }, false},
		"severity":         {func(r *Result) { r.Severity = SeverityLow }, false},
		"actual":           {func(r *Result) { r.Actual = "" }, false},
		"expected":         {func(r *Result) { r.Expected = "" }, false},
		"evidence's file":  {func(r *Result) { r.Evidence[0].File = "/b" }, false},
		"evidence's line":  {func(r *Result) { r.Evidence[0].Line = 2 }, false},
		"less evidence":    {func(r *Result) { r.Evidence = r.Evidence[:1] }, false},
		"evidence's order": {func(r *Result) { slices.Reverse(r.Evidence) }, false},
	} {
		a, b := base(), base()
		tt.change(&b)
		if Same(&a, &b) != tt.same || Same(&b, &a) != tt.same {
			t.Errorf("%s: same is not %v", name, tt.same)
		}
	}
}
