package list

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for raw, want := range map[string]string{
		"": "/hosts", "q=+web+": "/hosts?q=web", "page=2&sort=name&status=failing&family=debian": "/hosts?family=debian&page=2&sort=name&status=failing",
		"page=-1": "/hosts", "page=x": "/hosts", "page=99999999999999999999": "/hosts", "page=1": "/hosts", "other=1": "/hosts",
		"q=" + strings.Repeat("%C3%A9", 300): "/hosts?q=" + strings.Repeat("%C3%A9", 100),
	} {
		v, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := Parse("/hosts", v).String(); got != want {
			t.Errorf("%.40q gives %q, want %q", raw, got, want)
		}
	}
	q := Parse("/hosts", url.Values{"q": {"a b"}, "page": {"3"}})
	if got := q.By("name"); got != "/hosts?q=a+b&sort=name" {
		t.Error(got)
	}
	if got := q.To(2); got != "/hosts?page=2&q=a+b" {
		t.Error(got)
	}
	if !q.Found("xAx", "b") || q.Found("a") || !q.Any() || q.Clear() != "/hosts" {
		t.Error("text is not found as it should be")
	}
}

// FuzzParse: the address that a query makes is read as that query again.
func FuzzParse(f *testing.F) {
	for _, raw := range []string{"", "q=a+b&page=2", "status=failing&sort=name&family=debian", "page=-1", "q=%ff%00", "q=" + strings.Repeat("%C3%A9", 101), "q=+"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		v, _ := url.ParseQuery(raw) // what it does not understand it leaves out
		q := Parse("/hosts", v)
		again, err := url.Parse(q.String())
		if err != nil {
			t.Fatal(err)
		}
		if got := Parse("/hosts", again.Query()); got != q {
			t.Errorf("%q became %q", q, got)
		}
	})
}

// TestCut: rows are in order, and each is on one page, also of pages that are not.
func TestCut(t *testing.T) {
	var rows []int
	for i := range 250 {
		rows = append(rows, i*7%250)
	}
	var all []int
	for page, want := range map[int]Pages{
		1: {From: 1, To: 100, Total: 250, Next: "/hosts?page=2"},
		2: {From: 101, To: 200, Total: 250, Previous: "/hosts", Next: "/hosts?page=3"},
		3: {From: 201, To: 250, Total: 250, Previous: "/hosts?page=2"},
	} {
		shown, pages := Cut(Query{Page: page, path: "/hosts"}, slices.Clone(rows), Most(func(n *int) int { return *n / 2 }), func(a, b *int) int { return *a - *b })
		if diff := cmp.Diff(want, pages); diff != "" || len(shown) != want.To-want.From+1 || shown[0] != 248-want.From+1 {
			t.Errorf("page %d begins with %d (-want +got):\n%s", page, shown[0], diff)
		}
		all = append(all, shown...)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 250 {
		t.Error("a row is on two pages, or on none")
	}
	shown, pages := Cut(Query{Page: 9, path: "/hosts"}, rows[:3])
	if len(shown) != 3 || pages != (Pages{From: 1, To: 3, Total: 3}) {
		t.Errorf("a page after the last: %v, %+v", shown, pages)
	}
	if shown, pages = Cut(Query{Page: 1}, rows[:0]); len(shown) != 0 || pages.Total != 0 || pages.Next != "" {
		t.Errorf("no rows: %+v", pages)
	}
}

func TestOptions(t *testing.T) {
	want := []Option{{Label: "any"}, {Value: "not_here", Label: "not here", Chosen: true}, {Value: "b", Label: "b"}}
	if diff := cmp.Diff(want, Options("any", "not_here", "not_here", "b")); diff != "" {
		t.Error(diff)
	}
}
