// Package label keeps what lists of hosts are filtered by: the tables host_label and
// host_told. It comes from the hosts' heartbeats, so it is their word and no more:
// good for finding a host, never for deciding who may see it.
//
// A heartbeat comes every minute and its labels hardly ever change. The caller keeps
// a [Print] of each host in memory, and nothing is written while it is the same.
package label

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// maxTags bounds the tags that a host gives itself.
const maxTags = 64

// Print stands for the labels that were written of a host; 0 is for none.
type Print uint64

// Of returns the print of labels. It is no digest: two labels of the same print make
// a filter miss a host until it changes again, and nothing else.
func Of(id fleet.HostID, l *finding.Host) Print {
	h := fnv.New64a()
	for _, s := range append([]string{l.OS, l.Region, search(id, l)}, tags(l)...) {
		_ = binary.Write(h, binary.LittleEndian, uint32(len(s))) // a hash takes everything
		_, _ = h.Write([]byte(s))
	}
	return Print(max(h.Sum64(), 1))
}

// search is what free text is looked for in.
func search(id fleet.HostID, l *finding.Host) string {
	return strings.ToLower(strings.Join([]string{l.Name, string(id), l.DropletID, l.OS}, "\n"))
}

// tags are the first of the host's tags, each once.
func tags(l *finding.Host) []string {
	all := slices.Compact(slices.Sorted(slices.Values(l.Tags)))
	return all[:min(len(all), maxTags)]
}

// Write replaces the labels of a host.
func Write(w db.Writer, id fleet.HostID, key []byte, l *finding.Host) error {
	err := w.Exec(`INSERT INTO host_label (host, os, region, search) VALUES (?, ?, ?, ?)
		ON CONFLICT (host) DO UPDATE SET os = excluded.os, region = excluded.region, search = excluded.search`,
		key, l.OS, l.Region, search(id, l))
	if err != nil {
		return fmt.Errorf("write labels: %w", err)
	}
	if err := w.Exec("DELETE FROM host_told WHERE host = ?", key); err != nil {
		return fmt.Errorf("forget told tags: %w", err)
	}
	for _, tag := range tags(l) {
		if err := w.Exec("INSERT INTO host_told (host, tag) VALUES (?, ?)", key, tag); err != nil {
			return fmt.Errorf("write told tag: %w", err)
		}
	}
	return nil
}
