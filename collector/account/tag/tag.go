// Package tag keeps the tags that administrators give hosts. Scopes and waivers go by
// them, so no host can give itself one: what a host says of itself is kept apart.
package tag

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"seawall/collector/account"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/trail"
)

// ErrSeveral says that more than one host's id begins so.
var ErrSeveral = errors.New("several hosts' ids begin so")

// leastPrefix is how much of an id names a host: digits.
const leastPrefix = 8

// Host is a host with its tags, sorted.
type Host struct {
	ID   fleet.HostID
	Name string
	Tags []string
}

// List returns the hosts that have tags, by name.
func List(ctx context.Context, q db.Querier) (all []Host, err error) {
	err = db.Each(ctx, q, func(scan func(...any) error) error {
		var key []byte
		var name, tag string
		if err := scan(&key, &name, &tag); err != nil {
			return err
		}
		id := fleet.HostID(hex.EncodeToString(key))
		if len(all) == 0 || all[len(all)-1].ID != id {
			all = append(all, Host{ID: id, Name: name})
		}
		all[len(all)-1].Tags = append(all[len(all)-1].Tags, tag)
		return nil
	}, "SELECT t.host, h.name, t.tag FROM host_tag t JOIN host h ON h.host = t.host ORDER BY h.name, t.host, t.tag")
	if err != nil {
		return nil, fmt.Errorf("list hosts' tags: %w", err)
	}
	return all, nil
}

// Of returns the tags of a host, sorted. One that is not there is an error that errors.Is
// [fs.ErrNotExist].
func Of(ctx context.Context, data db.DB, id fleet.HostID) (tags []string, err error) {
	key, err := id.Bytes()
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	err = data.Read(ctx, func(q db.Querier) error {
		var known int
		found, err := db.One(ctx, q, "SELECT 1 FROM host WHERE host = ?", []any{key}, &known)
		if err == nil && !found {
			err = fs.ErrNotExist
		}
		if err != nil {
			return err
		}
		tags = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var tag string
			err := scan(&tag)
			tags = append(tags, tag)
			return err
		}, "SELECT tag FROM host_tag WHERE host = ? ORDER BY tag", key)
	})
	if err != nil {
		return nil, fmt.Errorf("tags of host %s: %w", id, err)
	}
	return tags, nil
}

// Change gives a host tags and takes others away, for the trail by who, and returns the
// tags that it has then. The host is named by its id or the first eight digits of it or
// more. One that is not there is an error that errors.Is [fs.ErrNotExist].
func Change(w db.Writer, now time.Time, who, host string, add, remove []string) (tags []string, err error) {
	key, err := Find(w, host)
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", host, err)
	}
	err = w.Rows("SELECT tag FROM host_tag WHERE host = ?", []any{key}, func(scan func(...any) error) error {
		var tag string
		err := scan(&tag)
		tags = append(tags, tag)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tags of host %q: %w", host, err)
	}
	tags = slices.DeleteFunc(append(tags, add...), func(tag string) bool { return slices.Contains(remove, tag) })
	return put(w, now, who, key, tags)
}

// Set gives a host these tags and no others, under the conditions of [Change].
func Set(w db.Writer, now time.Time, who, host string, tags []string) ([]string, error) {
	key, err := Find(w, host)
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", host, err)
	}
	return put(w, now, who, key, tags)
}

// put writes a host's tags and tells the trail.
func put(w db.Writer, now time.Time, who string, key []byte, tags []string) ([]string, error) {
	tags, err := account.Tags(tags)
	if err != nil {
		return nil, err
	}
	host := hex.EncodeToString(key)
	if err := w.Exec("DELETE FROM host_tag WHERE host = ?", key); err != nil {
		return nil, fmt.Errorf("tags of host %q: %w", host, err)
	}
	for _, tag := range tags {
		if err := w.Exec("INSERT INTO host_tag (host, tag) VALUES (?, ?)", key, tag); err != nil {
			return nil, fmt.Errorf("tags of host %q: %w", host, err)
		}
	}
	_, err = trail.Record(w, now, trail.Entry{Who: who, Action: "host tag", Target: host, Detail: strings.Join(tags, ", ")})
	return tags, err
}

// Find returns the key of the host with an id, or of the one whose id begins so: at least
// eight hexadecimal digits. None is an error that is fs.ErrNotExist, several are
// [ErrSeveral].
func Find(w db.Writer, text string) (key []byte, err error) {
	if len(text) < leastPrefix || len(text) > 32 {
		return nil, fs.ErrNotExist
	}
	low, err := hex.DecodeString(text + strings.Repeat("0", 32-len(text)))
	if err != nil {
		return nil, fs.ErrNotExist
	}
	high, err := hex.DecodeString(text + strings.Repeat("f", 32-len(text)))
	if err != nil {
		return nil, fs.ErrNotExist
	}
	n := 0
	err = w.Rows("SELECT host FROM host WHERE host >= ? AND host <= ? LIMIT 2", []any{low, high}, func(scan func(...any) error) error {
		n++
		return scan(&key)
	})
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, fs.ErrNotExist
	case n > 1:
		return nil, ErrSeveral
	}
	return key, nil
}
