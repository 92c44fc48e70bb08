package web_test

import (
	"context"
	"fmt"
	"io/fs"

	"seawall/collector/fleet"
)

// Nobody gave the demo's hosts a tag: a scope has none of them.

func (d *demo) ChecksOf(ctx context.Context, scope []string) ([]fleet.Check, error) {
	if len(scope) > 0 {
		return nil, nil
	}
	return d.Checks(ctx)
}

func (d *demo) CheckOf(ctx context.Context, id string, scope []string) (fleet.CheckDetail, error) {
	if len(scope) > 0 {
		return fleet.CheckDetail{}, fmt.Errorf("check: %w", fs.ErrNotExist)
	}
	return d.Check(ctx, id)
}

func (d *demo) TimelineOf(ctx context.Context, q fleet.TimelineQuery, scope []string) ([]fleet.Event, error) {
	if len(scope) > 0 {
		return nil, nil
	}
	return d.Timeline(ctx, q)
}

func (d *demo) Within(context.Context, []string) (map[fleet.HostID]bool, error) {
	return map[fleet.HostID]bool{}, nil
}
