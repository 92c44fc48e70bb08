package trail

import (
	"context"
	"time"

	"seawall/collector/db"
)

// Exported returns a function that records that somebody takes something as a file,
// before it begins.
func Exported(data db.DB, now func() time.Time) func(ctx context.Context, who, what string) error {
	return func(ctx context.Context, who, what string) error {
		return data.Write(ctx, func(w db.Writer) error {
			_, err := Record(w, now(), Entry{Who: who, Action: "export write", Target: what})
			return err
		})
	}
}
