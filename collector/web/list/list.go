// Package list is what the dashboard's lists have in common: the query of their
// address, what it finds, and pages of rows in an order.
package list

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

// size is how many rows a list shows at a time.
const size = 100

// Parse reads the query of the list at path.
func Parse(path string, v url.Values) Query {
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
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return strings.TrimSpace(s)
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

// Found reports whether every word of the query's text is in one of fields.
func (q Query) Found(fields ...string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(q.Text)) {
		has := func(f string) bool { return strings.Contains(strings.ToLower(f), word) }
		if !slices.ContainsFunc(fields, has) {
			return false
		}
	}
	return true
}

// Option is a choice of a filter.
type Option struct {
	Value, Label string
	Chosen       bool
}

// Options returns the choices: all, and each of values.
func Options(all, chosen string, values ...string) []Option {
	opts := []Option{{"", all, chosen == ""}}
	for _, v := range values {
		opts = append(opts, Option{v, strings.ReplaceAll(v, "_", " "), v == chosen})
	}
	return opts
}

// Pages is the place of a page in a list.
type Pages struct {
	From, To, Total int // rows shown, counted from 1
	Previous, Next  string
}

// Cut returns the rows of the query's page, ordered by the first of orders that
// tells two rows apart.
func Cut[T any](q Query, rows []T, orders ...func(a, b *T) int) ([]T, Pages) {
	slices.SortStableFunc(rows, func(a, b T) int {
		for _, order := range orders {
			if c := order(&a, &b); c != 0 {
				return c
			}
		}
		return 0
	})
	last := max(1, (len(rows)+size-1)/size)
	number := min(q.Page, last)
	from, to := (number-1)*size, min(number*size, len(rows))
	p := Pages{From: from + 1, To: to, Total: len(rows)}
	if number > 1 {
		p.Previous = q.To(number - 1)
	}
	if number < last {
		p.Next = q.To(number + 1)
	}
	return rows[from:to], p
}

// Most orders by a number, largest first.
func Most[T any](n func(*T) int) func(a, b *T) int {
	return func(a, b *T) int { return cmp.Compare(n(b), n(a)) }
}
