package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
)

const (
	keep        = 200    // signals of a group
	maxGroups   = 2000   // of a rule that wait; those beyond go together
	maxSubjects = 20_000 // of a rule in their quiet time; others are told of without
	atOnce      = 100    // groups that one transaction sends
	perQuiet    = 2      // messages about a subject in its quiet time
	// storm is the least quiet time of a detection, of which each report is news.
	storm = time.Hour
)

// turn is one transaction.
type turn struct {
	db.Writer
	now    time.Time
	rule   *alert.Rule
	groups int64 // of rule that wait
	known  int64 // subjects of rule
	full   []string
}

// take moves the marks and does what follows from what is between them.
func (w *Watch) take(ctx context.Context, all []alert.Rule, from, to marks, matched map[int64][]alert.Signal) error {
	var full []string
	err := w.cfg.Data.Write(ctx, func(tx db.Writer) error {
		full = nil
		if err := move(tx, from, to); err != nil {
			return err
		}
		for i := range all {
			t := &turn{Writer: tx, now: w.cfg.Now(), rule: &all[i]}
			if err := t.do(matched[all[i].ID]); err != nil {
				return fmt.Errorf("rule %q: %w", all[i].Name, err)
			}
			full = append(full, t.full...)
		}
		return nil
	})
	for _, route := range full {
		w.cfg.Log.Error("message is not sent: too many wait for the route", "route", route)
	}
	return err
}

// move moves the marks, or says that they are not where they were. It locks them in
// any case: what follows is for one collector alone.
func move(tx db.Writer, from, to marks) error {
	for _, name := range []string{markEvents, markDetections, markWaivers} {
		if _, ok := from[name]; !ok { // the first look, or the first of this version
			if err := tx.Exec("INSERT INTO alert_mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, to[name]); err != nil {
				return fmt.Errorf("set mark: %w", err)
			}
			continue
		}
		n, err := tx.Change("UPDATE alert_mark SET value = ? WHERE name = ? AND value = ?", to[name], name, from[name])
		if err != nil {
			return fmt.Errorf("move mark: %w", err)
		}
		if n == 0 {
			return errMoved
		}
	}
	return nil
}

// do takes the signals of the turn's rule and sends what is due.
func (t *turn) do(signals []alert.Signal) error {
	if _, err := t.Row("SELECT count(*) FROM alert_group WHERE rule = ? AND due > 0", []any{t.rule.ID}, &t.groups); err != nil {
		return fmt.Errorf("count groups: %w", err)
	}
	if err := t.release(); err != nil {
		return err
	}
	if _, err := t.Row("SELECT count(*) FROM alert_subject WHERE rule = ?", []any{t.rule.ID}, &t.known); err != nil {
		return fmt.Errorf("count subjects: %w", err)
	}
	for i := range signals {
		ok, err := t.hold(&signals[i])
		if err != nil {
			return err
		}
		if ok {
			if err := t.add(t.rule.GroupOf(&signals[i]), &signals[i]); err != nil {
				return err
			}
		}
	}
	return t.send()
}

// hold reports whether a signal is told now, or keeps it until its subject's quiet
// time is over.
func (t *turn) hold(s *alert.Signal) (tell bool, err error) {
	quiet := t.rule.Quiet
	if s.Topic == alert.Detection {
		quiet = max(quiet, storm)
	}
	if quiet == 0 {
		return true, nil
	}
	subject, told := s.Subject(), 0
	found, err := t.Row("SELECT told FROM alert_subject WHERE rule = ? AND subject = ?", []any{t.rule.ID, subject}, &told)
	switch {
	case err != nil:
		return false, fmt.Errorf("look for subject: %w", err)
	case !found && t.known >= maxSubjects:
		return true, nil
	case !found:
		t.known++
		err = t.Exec("INSERT INTO alert_subject (rule, subject, until, told, held, body) VALUES (?, ?, ?, 1, 0, '')",
			t.rule.ID, subject, t.now.Add(quiet).UnixNano())
		tell = true
	case s.Topic == alert.Detection:
		// The same storm, which grows: it was told of.
	case told < perQuiet:
		err = t.Exec("UPDATE alert_subject SET told = told + 1 WHERE rule = ? AND subject = ?", t.rule.ID, subject)
		tell = true
	default:
		var body []byte
		if body, err = json.Marshal(s); err == nil {
			err = t.Exec("UPDATE alert_subject SET held = held + 1, body = ? WHERE rule = ? AND subject = ?", string(body), t.rule.ID, subject)
		}
	}
	if err != nil {
		return false, fmt.Errorf("write subject: %w", err)
	}
	return tell, nil
}

// release ends quiet times, and tells what was held in them.
func (t *turn) release() error {
	type held struct {
		subject, body string
		n             int
	}
	var all []held
	err := t.Rows("SELECT subject, body, held FROM alert_subject WHERE rule = ? AND until <= ? AND held > 0 LIMIT ?",
		[]any{t.rule.ID, t.now.UnixNano(), 10 * keep}, func(scan func(...any) error) error {
			var h held
			err := scan(&h.subject, &h.body, &h.n)
			all = append(all, h)
			return err
		})
	if err == nil {
		err = t.Exec("DELETE FROM alert_subject WHERE rule = ? AND until <= ? AND held = 0", t.rule.ID, t.now.UnixNano())
	}
	if err != nil {
		return fmt.Errorf("end quiet times: %w", err)
	}
	for _, h := range all {
		var s alert.Signal
		if err := json.Unmarshal([]byte(h.body), &s); err != nil {
			return fmt.Errorf("read signal: %w", err)
		}
		s.Held = h.n - 1
		if err := t.Exec("UPDATE alert_subject SET until = ?, told = 1, held = 0, body = '' WHERE rule = ? AND subject = ?",
			t.now.Add(t.rule.Quiet).UnixNano(), t.rule.ID, h.subject); err != nil {
			return fmt.Errorf("write subject: %w", err)
		}
		if err := t.add(t.rule.GroupOf(&s), &s); err != nil {
			return err
		}
	}
	return nil
}

// group is a row of alert_group.
type group struct {
	name       string
	due, told  int64
	kept, more int64
}

// add puts a signal into a group of the rule.
func (t *turn) add(name string, s *alert.Signal) error {
	g, err := t.group(name)
	if err != nil {
		return err
	}
	if g.due == 0 && t.groups >= maxGroups {
		if g, err = t.group(""); err != nil {
			return err
		}
	}
	if g.due == 0 {
		t.groups++
		g.due = max(t.now.Add(t.rule.Wait).UnixNano(), g.told+int64(t.rule.Every))
	}
	if g.kept >= keep {
		g.more++
		return t.write(g)
	}
	g.kept++
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode signal: %w", err)
	}
	if err := t.Exec("INSERT INTO alert_waiting (rule, grp, place, body) VALUES (?, ?, ?, ?)", t.rule.ID, g.name, g.kept, string(body)); err != nil {
		return fmt.Errorf("write signal: %w", err)
	}
	return t.write(g)
}

func (t *turn) group(name string) (group, error) {
	g := group{name: name}
	if _, err := t.Row("SELECT due, told, kept, more FROM alert_group WHERE rule = ? AND grp = ?", []any{t.rule.ID, name},
		&g.due, &g.told, &g.kept, &g.more); err != nil {
		return g, fmt.Errorf("read group: %w", err)
	}
	return g, nil
}

func (t *turn) write(g group) error {
	err := t.Exec(`INSERT INTO alert_group (rule, grp, due, told, kept, more) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (rule, grp) DO UPDATE SET due = excluded.due, told = excluded.told, kept = excluded.kept, more = excluded.more`,
		t.rule.ID, g.name, g.due, g.told, g.kept, g.more)
	if err != nil {
		return fmt.Errorf("write group: %w", err)
	}
	return nil
}

// send sends the groups of the rule that are due, and forgets those that are quiet.
func (t *turn) send() error {
	var due []group
	err := t.Rows("SELECT grp, due, told, kept, more FROM alert_group WHERE rule = ? AND due > 0 AND due <= ? ORDER BY due, grp LIMIT ?",
		[]any{t.rule.ID, t.now.UnixNano(), atOnce}, func(scan func(...any) error) error {
			var g group
			err := scan(&g.name, &g.due, &g.told, &g.kept, &g.more)
			due = append(due, g)
			return err
		})
	if err == nil {
		err = t.Exec("DELETE FROM alert_group WHERE rule = ? AND due = 0 AND told < ?", t.rule.ID, t.now.Add(-t.rule.Every).UnixNano())
	}
	if err != nil {
		return fmt.Errorf("look for groups: %w", err)
	}
	hour, sent := t.now.Unix()/3600, int64(0)
	if _, err := t.Row("SELECT sent FROM alert_hour WHERE rule = ? AND hour = ?", []any{t.rule.ID, hour}, &sent); err != nil {
		return fmt.Errorf("read the hour: %w", err)
	}
	before := sent
	for _, g := range due {
		if sent >= int64(t.rule.Hourly) {
			err = t.postpone(g, time.Unix((hour+1)*3600, 0))
		} else {
			sent++
			err = t.sendGroup(g)
		}
		if err != nil {
			return err
		}
	}
	if sent == before {
		return nil
	}
	err = t.Exec("INSERT INTO alert_hour (rule, hour, sent) VALUES (?, ?, ?) ON CONFLICT (rule) DO UPDATE SET hour = excluded.hour, sent = excluded.sent",
		t.rule.ID, hour, sent)
	if err != nil {
		return fmt.Errorf("write the hour: %w", err)
	}
	return nil
}

// sendGroup makes a message of a group and empties it.
func (t *turn) sendGroup(g group) error {
	signals, err := t.empty(g)
	if err != nil {
		return err
	}
	// The newest of a subject says all that the others said.
	newest, last := make([]alert.Signal, 0, len(signals)), map[string]int{}
	for _, s := range signals {
		if i, ok := last[s.Subject()]; ok {
			newest[i] = s
			continue
		}
		last[s.Subject()] = len(newest)
		newest = append(newest, s)
	}
	base := alert.Compose("", t.rule.Name, t.now, newest, int(g.more))
	for _, route := range t.rule.Routes {
		m := base
		m.ID = outbox.NewID()
		body, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("encode message: %w", err)
		}
		_, err = outbox.Put(t.Writer, t.now, outbox.Item{ID: m.ID, Route: route, Kind: alert.KindMessage, Type: "application/json",
			Title: m.Summary, Rule: t.rule.Name, Body: body})
		if errors.Is(err, outbox.ErrFull) {
			t.full = append(t.full, route)
		} else if err != nil {
			return err
		}
	}
	g.due, g.told, g.kept, g.more = 0, t.now.UnixNano(), 0, 0
	t.groups--
	return t.write(g)
}

// empty takes the signals out of a group.
func (t *turn) empty(g group) (signals []alert.Signal, err error) {
	err = t.Rows("SELECT body FROM alert_waiting WHERE rule = ? AND grp = ? ORDER BY place", []any{t.rule.ID, g.name}, func(scan func(...any) error) error {
		var body string
		var s alert.Signal
		if err := scan(&body); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(body), &s)
		signals = append(signals, s)
		return err
	})
	if err == nil {
		err = t.Exec("DELETE FROM alert_waiting WHERE rule = ? AND grp = ?", t.rule.ID, g.name)
	}
	if err != nil {
		return nil, fmt.Errorf("empty group: %w", err)
	}
	return signals, nil
}

// postpone has a group wait for the next hour, together with others for which there
// was no room in this one.
func (t *turn) postpone(g group, until time.Time) error {
	if g.name == "" {
		g.due = until.UnixNano()
		return t.write(g)
	}
	signals, err := t.empty(g)
	if err != nil {
		return err
	}
	more := g.more
	g.due, g.kept, g.more = 0, 0, 0
	t.groups--
	if err := t.write(g); err != nil {
		return err
	}
	for i := range signals {
		if err := t.add("", &signals[i]); err != nil {
			return err
		}
	}
	rest, err := t.group("")
	if err != nil {
		return err
	}
	rest.due, rest.more = until.UnixNano(), rest.more+more
	return t.write(rest)
}

// next returns when a group or a quiet time is due; far away when none is.
func (w *Watch) next(ctx context.Context) (time.Time, error) {
	next := w.cfg.Now().Add(time.Hour)
	err := w.cfg.Data.Read(ctx, func(q db.Querier) error {
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var due int64
			err := scan(&due)
			if at := time.Unix(0, due); due > 0 && at.Before(next) {
				next = at
			}
			return err
		}, `SELECT coalesce(min(due), 0) FROM alert_group WHERE due > 0
			UNION ALL SELECT coalesce(min(until), 0) FROM alert_subject WHERE held > 0`)
	})
	if err != nil {
		return next, fmt.Errorf("look for what is due: %w", err)
	}
	return next, nil
}
