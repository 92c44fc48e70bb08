package page

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Query is what a list shows, from the page's address: q is text that must be
// found, status and family select, sort orders, page counts from 1. What is not
// understood means the default, never an error.
type Query struct {
	Text   string
	Status string
	Family string
	Sort   string
	Page   int
	path   string
}

// listSize is how many rows a list shows at a time.
const listSize = 100

// ParseQuery reads the query of the list at path.
func ParseQuery(path string, v url.Values) Query {
	q := Query{
		Text: clip(v.Get("q")), Status: clip(v.Get("status")),
		Family: clip(v.Get("family")), Sort: clip(v.Get("sort")), Page: 1, path: path,
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 && n < 1e6 {
		q.Page = n
	}
	return q
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

// Any reports whether the query leaves anything out.
func (q Query) Any() bool { return q.Text != "" || q.Status != "" || q.Family != "" }

// Clear returns the address of the list without a filter.
func (q Query) Clear() string { return q.path }

// By returns the address of the same list ordered otherwise.
func (q Query) By(sort string) string {
	q.Sort, q.Page = sort, 1
	return q.String()
}

// To returns the address of another page of the list.
func (q Query) To(page int) string {
	q.Page = page
	return q.String()
}

// String returns the list's address.
func (q Query) String() string {
	v := url.Values{}
	set := func(key, value string) {
		if value != "" {
			v.Set(key, value)
		}
	}
	set("q", q.Text)
	set("status", q.Status)
	set("family", q.Family)
	set("sort", q.Sort)
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	if len(v) == 0 {
		return q.path
	}
	return q.path + "?" + v.Encode()
}

// found reports whether every word of the query's text is in one of fields.
func (q Query) found(fields ...string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(q.Text)) {
		has := func(f string) bool { return strings.Contains(strings.ToLower(f), word) }
		if !slices.ContainsFunc(fields, has) {
			return false
		}
	}
	return true
}

// option is a choice of a filter.
type option struct {
	Value, Label string
	Chosen       bool
}

// options returns the choices: all, and each of values.
func options(all, chosen string, values ...string) []option {
	opts := []option{{"", all, chosen == ""}}
	for _, v := range values {
		opts = append(opts, option{v, strings.ReplaceAll(v, "_", " "), v == chosen})
	}
	return opts
}

// pages is the place of a page in a list.
type pages struct {
	From, To, Total int // rows shown, counted from 1
	Previous, Next  string
}

// cut returns the rows of the query's page, ordered by the first of orders that
// tells two rows apart.
func cut[T any](q Query, rows []T, orders ...func(a, b *T) int) ([]T, pages) {
	slices.SortStableFunc(rows, func(a, b T) int {
		for _, order := range orders {
			if c := order(&a, &b); c != 0 {
				return c
			}
		}
		return 0
	})
	last := max(1, (len(rows)+listSize-1)/listSize)
	number := min(q.Page, last)
	from, to := (number-1)*listSize, min(number*listSize, len(rows))
	p := pages{From: from + 1, To: to, Total: len(rows)}
	if number > 1 {
		p.Previous = q.To(number - 1)
	}
	if number < last {
		p.Next = q.To(number + 1)
	}
	return rows[from:to], p
}

// most orders by a number, largest first.
func most[T any](n func(*T) int) func(a, b *T) int {
	return func(a, b *T) int { return cmp.Compare(n(b), n(a)) }
}
