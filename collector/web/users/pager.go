package users

import (
	"net/url"
	"strconv"
)

// pager cuts the entries to a page and links the ones around it.
func (b *trailBody) pager(before int64) {
	v := url.Values{}
	for key, value := range map[string]string{"who": b.Who, "action": b.Action} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if before > 0 {
		b.Newest = "/trail?" + v.Encode()
	}
	if len(b.Entries) > trailSize {
		b.Entries = b.Entries[:trailSize]
		v.Set("before", strconv.FormatInt(b.Entries[trailSize-1].Seq, 10))
		b.Older = "/trail?" + v.Encode()
	}
}

// Any reports whether the page leaves anything out.
func (b trailBody) Any() bool { return b.Who != "" || b.Action != "" }
