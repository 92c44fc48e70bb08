package view

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/collector/store/view/row"
	"seawall/pkg/finding"
)

// Detections returns detections, those of which was told last first. Each filter has
// an index in that order; of several, one finds rows and the others leave some out.
func (v *View) Detections(ctx context.Context, q fleet.DetectionQuery) ([]fleet.Detection, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 200)
	if q.Before <= 0 {
		q.Before = math.MaxInt64
	}
	where, order, err := pick.Detections(&q)
	if err != nil {
		return nil, fmt.Errorf("read detections: %w", err)
	}
	var out []fleet.Detection
	err = db.Each(ctx, v.db, func(scan func(...any) error) error {
		d, err := row.Detection(scan)
		out = append(out, d)
		return err
	}, row.DetectionColumns+"WHERE "+where.Text+" ORDER BY "+order+" LIMIT ?", append(where.Args, q.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("read detections: %w", sqlite.Classify(err))
	}
	return out, nil
}

// Detection returns one of a host's detections by the host's id for it. One that is
// not known is an error that is fs.ErrNotExist.
func (v *View) Detection(ctx context.Context, host fleet.HostID, storm string) (fleet.Detection, error) {
	key, err := host.Bytes()
	if err != nil {
		return fleet.Detection{}, fmt.Errorf("read detection: %w: %w", fs.ErrNotExist, err)
	}
	d, err := row.Detection(v.db.QueryRowContext(ctx, row.DetectionColumns+"WHERE d.host = ? AND d.storm = ?", key, storm).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return d, fmt.Errorf("read detection %q of %s: %w", storm, host, sqlite.Classify(err))
	}
	return d, nil
}

// detections counts the detections of the hosts that where selects.
func (s *snapshot) detections(ctx context.Context, count func(fleet.HostID, finding.Severity, int), where string, args ...any) error {
	return db.Each(ctx, s, func(scan func(...any) error) error {
		var key []byte
		var severity finding.Severity
		var n int
		if err := scan(&key, &severity, &n); err != nil {
			return err
		}
		if severity <= finding.SeverityCritical { // a disk may say otherwise
			count(fleet.HostID(hex.EncodeToString(key)), severity, n)
		}
		return nil
	}, "SELECT c.host, c.severity, c.n FROM detection_count c "+where, args...)
}
