package list

import (
	"net/url"
	"strconv"
	"strings"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// HostFilter is what a list of hosts shows, as its address says it: q is text that is
// looked for, tag, os and region select, status is one of [HostStatuses], severity the
// least of a failed result, below a score in percent; sort and order put them in order,
// page counts from 1. What is not understood means the default, never an error.
type HostFilter struct {
	fleet.HostQuery
	Status string
}

// hostsPath is where the list of hosts is.
const hostsPath = "/hosts"

// HostStatuses are the states that hosts are filtered by: by result, by what the
// collector hears of them, and by their standing.
func HostStatuses() []string {
	return []string{"failing", "updates", "online", "silent", "offline", "archived", "never heard of", "quarantined", "revoked", "expired"}
}

// Hosts reads the filter from the address of a list.
func Hosts(v url.Values) HostFilter {
	f := HostFilter{HostQuery: fleet.HostQuery{
		Text: clip(v.Get("q")), Tag: clip(v.Get("tag")), OS: clip(v.Get("os")), Region: clip(v.Get("region")),
		Reverse: v.Get("order") == "reverse", Size: size,
	}}
	if s := fleet.HostSort(v.Get("sort")); s.Valid() {
		f.Sort = s
	}
	if err := f.Severity.UnmarshalText([]byte(v.Get("severity"))); err != nil {
		f.Severity = finding.SeverityUnknown
	}
	if n, err := strconv.Atoi(v.Get("below")); err == nil && n > 0 && n <= 101 {
		f.Below = n
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 && n < 1e6 {
		f.Page = n - 1
	}
	f.status(v.Get("status"))
	return f
}

// status selects by one of HostStatuses.
func (f *HostFilter) status(word string) {
	f.Status = word
	switch word {
	case "failing":
		f.Severity = max(f.Severity, finding.SeverityInformational)
	case "updates":
		f.Pending = true
	case "online", "silent", "offline", "archived":
		f.Presence = fleet.Presence(word)
	case "quarantined", "revoked":
		f.Standing = fleet.Standing(word)
	case "expired":
		f.Expired = true
	case "never heard of":
		f.Never = true
	default:
		f.Status = ""
	}
}

// Any reports whether the filter leaves anything out.
func (f HostFilter) Any() bool {
	return f.Text != "" || f.Tag != "" || f.OS != "" || f.Region != "" || f.Status != "" || f.Severity != 0 || f.Below != 0
}

// Clear returns the address of the list without a filter.
func (f HostFilter) Clear() string { return hostsPath }

// By returns the address of the same list in another order; in the reverse when it is
// in that order.
func (f HostFilter) By(sort string) string {
	f.Reverse = f.Is(sort) == "ascending"
	f.Sort, f.Page = fleet.HostSort(sort), 0
	return f.String()
}

// Is returns whether the list is in that order, in the words of aria-sort.
func (f HostFilter) Is(sort string) string {
	now := f.Sort
	if now == "" {
		now = fleet.ByName
	}
	switch {
	case now != fleet.HostSort(sort):
		return "none"
	case f.Reverse:
		return "descending"
	}
	return "ascending"
}

// As returns the address of the same list in another format, of all pages.
func (f HostFilter) As(format string) string {
	f.Page = 0
	v := f.values()
	v.Set("format", format)
	return hostsPath + "/export?" + v.Encode()
}

// Query returns the filter and the order, as the query of the list's address has them,
// without a page of it; "" for all hosts in the usual order.
func (f HostFilter) Query() string {
	f.Page = 0
	return f.values().Encode()
}

// String returns the list's address.
func (f HostFilter) String() string {
	if v := f.values(); len(v) > 0 {
		return hostsPath + "?" + v.Encode()
	}
	return hostsPath
}

func (f HostFilter) values() url.Values {
	v := url.Values{}
	set := func(key, value string) {
		if value != "" {
			v.Set(key, value)
		}
	}
	set("q", f.Text)
	set("tag", f.Tag)
	set("os", f.OS)
	set("region", f.Region)
	set("status", f.Status)
	set("sort", strings.TrimPrefix(string(f.Sort), string(fleet.ByName)))
	if f.Severity > finding.SeverityInformational || f.Severity == finding.SeverityInformational && f.Status != "failing" {
		set("severity", f.Severity.String())
	}
	if f.Below > 0 {
		set("below", strconv.Itoa(f.Below))
	}
	if f.Reverse {
		set("order", "reverse")
	}
	if f.Page > 0 {
		set("page", strconv.Itoa(f.Page+1))
	}
	return v
}

// Pages returns where the filter's page is among total rows.
func (f HostFilter) Pages(shown, total int) Pages {
	return Place(f.Page, f.Size, shown, total, func(page int) string {
		f.Page = page
		return f.String()
	})
}

// Place returns where a page, counted from 0, of size rows is in a list of total, of
// which it shows some. To gives the address of a page.
func Place(page, size, shown, total int, to func(page int) string) Pages {
	p := Pages{From: page*size + 1, To: page*size + shown, Total: total}
	if shown == 0 {
		p.From = p.To
	}
	if page > 0 {
		p.Previous = to(min(page-1, max(0, (total-1)/size)))
	}
	if p.To < total && shown > 0 {
		p.Next = to(page + 1)
	}
	return p
}
