package store

import (
	"encoding/hex"
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/advice"
	"seawall/collector/store/host"
	"seawall/collector/store/presence"
	"seawall/collector/store/sqlite"
)

const (
	sweepEvery = time.Minute
	sweepPause = 50 * time.Millisecond
	// How many hosts a step takes. To archive one reads its results.
	maxSilent, maxArchived, maxUnread = 100, 5, 50
)

// sweep tells of hosts that have become offline and archives those that have been
// for long, a few at a time, and returns when to go on. It runs in the writer
// between transactions, and marks that the collector is alive.
func (s *Store) sweep() time.Duration {
	more := false
	err := s.chore(func(b *host.Batch) (err error) {
		more, err = sweep(b, s.cfg.ArchiveAfter)
		return err
	})
	switch {
	case err != nil:
		s.cfg.Log.Error("silent hosts are not told", "err", sqlite.Classify(err))
	case more:
		return sweepPause
	}
	if err := s.data.Calm(); err != nil {
		s.cfg.Log.Warn("database's cache does not shrink", "err", sqlite.Classify(err))
	}
	return sweepEvery
}

func sweep(b *host.Batch, archiveAfter time.Duration) (more bool, err error) {
	if err := presence.Mark(b.Writer, b.Now); err != nil {
		return false, err
	}
	outages, err := presence.Load(b.Writer)
	if err != nil {
		return false, err
	}
	// A host that may not deliver is silent for a reason that is known.
	silent, err := find(b, `SELECT h.host FROM host h LEFT JOIN member m ON m.host = h.host
		WHERE last_seen < ? AND archived = 0 AND silent = 0 AND coalesce(standing, 'active') = 'active' ORDER BY h.host LIMIT ?`,
		outages.Offline(b.Now), maxSilent)
	if err != nil {
		return false, err
	}
	for _, h := range silent {
		if err := h.Silent(); err != nil {
			return false, err
		}
	}
	old, err := find(b, "SELECT host FROM host WHERE last_seen < ? AND archived = 0 ORDER BY host LIMIT ?",
		outages.Before(b.Now, archiveAfter), maxArchived)
	if err != nil {
		return false, err
	}
	for _, h := range old {
		if err := h.Archive(); err != nil {
			return false, err
		}
	}
	unread, err := advice.Catch(b.Writer, maxUnread)
	return unread || len(silent) == maxSilent || len(old) == maxArchived, err
}

// find opens the hosts that a query finds.
func find(b *host.Batch, query string, before time.Time, limit int) ([]*host.Host, error) {
	var ids []fleet.HostID
	err := b.Rows(query, []any{before.UnixNano(), limit}, func(scan func(...any) error) error {
		var key []byte
		err := scan(&key)
		ids = append(ids, fleet.HostID(hex.EncodeToString(key)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find silent hosts: %w", err)
	}
	hosts := make([]*host.Host, len(ids))
	for i, id := range ids {
		if hosts[i], err = b.Open(id); err != nil {
			return nil, err
		}
	}
	return hosts, nil
}
