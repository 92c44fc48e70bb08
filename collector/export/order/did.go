package order

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/trail"
)

// Put saves an order as somebody wants it, with its line in the audit trail, and reports
// whether it is a new one. See [Save].
func Put(ctx context.Context, data db.DB, now time.Time, who string, s Order) (made bool, err error) {
	err = data.Write(ctx, func(w db.Writer) (err error) {
		made, err = put(w, now, who, s)
		return err
	})
	return made, err
}

func put(w db.Writer, now time.Time, who string, s Order) (made bool, err error) {
	if made, err = Save(w, now, s); err != nil {
		return false, err
	}
	action := "stream change"
	if made {
		action = "stream add"
	}
	detail := fmt.Sprintf("%s as %s to %s, enabled %v", strings.Join(s.What, ", "), s.Format, s.Route, s.Enabled)
	_, err = trail.Record(w, now, trail.Entry{Who: who, Action: action, Target: s.Name, Detail: detail})
	return made, err
}

// Enable turns an order on or off, with its line in the audit trail. One that is not known
// is an error that is fs.ErrNotExist.
func Enable(ctx context.Context, data db.DB, now time.Time, who, name string, on bool) error {
	return data.Write(ctx, func(w db.Writer) error {
		var body string
		if found, err := w.Row("SELECT body FROM export_stream WHERE name = ?", []any{name}, &body); err != nil {
			return fmt.Errorf("read export %q: %w", name, err)
		} else if !found {
			return fmt.Errorf("export %q: %w", name, fs.ErrNotExist)
		}
		s, err := decode(name, body)
		if err != nil || s.Enabled == on {
			return err
		}
		s.Enabled = on
		_, err = put(w, now, who, s)
		return err
	})
}

// Drop deletes an order, with its line in the audit trail. See [Delete].
func Drop(ctx context.Context, data db.DB, now time.Time, who, name string) error {
	return data.Write(ctx, func(w db.Writer) error {
		if err := Delete(w, name); err != nil {
			return err
		}
		_, err := trail.Record(w, now, trail.Entry{Who: who, Action: "stream delete", Target: name})
		return err
	})
}
