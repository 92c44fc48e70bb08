package row

import (
	"context"
	"encoding/hex"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/fleet"
)

// Given adds to hosts the tags that people and tokens gave them, for rows of host_tag of
// which a condition is true.
func Given(ctx context.Context, q db.Querier, hosts map[fleet.HostID]*fleet.Host, where string, args ...any) error {
	err := db.Each(ctx, q, func(scan func(...any) error) error {
		var key []byte
		var tag string
		err := scan(&key, &tag)
		if h := hosts[fleet.HostID(hex.EncodeToString(key))]; h != nil {
			h.Tags = append(h.Tags, tag)
		}
		return err
	}, "SELECT host, tag FROM host_tag "+where+" ORDER BY host, tag", args...)
	if err != nil {
		return fmt.Errorf("tags of hosts: %w", err)
	}
	return nil
}
