package triage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/triage"
	"seawall/collector/triage/cover"
	"seawall/collector/web/frame"
)

// waiver is one as a page shows it.
type waiver struct {
	triage.Waiver
	Now   time.Time
	Soon  bool // it expires within two weeks
	Still bool // it stands
	May   bool // the visitor may end it
}

// table is waivers as their template takes them.
type table struct {
	Rows []waiver
	May  bool
	Form string
}

func newTable(rows []waiver, may bool, form string) table { return table{rows, may, form} }

// within reports whether what a waiver is for lies within the visitor's scope.
func (s *Pages) within(ctx context.Context, v frame.Visitor, w triage.Waiver) (bool, error) {
	switch {
	case len(v.Scope) == 0:
		return true, nil
	case w.Host != "":
		tags, err := triage.Tags(ctx, s.data, w.Host)
		return v.Sees(tags), err
	}
	return w.Tag != "" && slices.Contains(v.Scope, w.Tag), nil
}

// visible returns the waivers that a visitor may know of: of one host, within the scope;
// of a tag, where a host within the scope has it. Those of all hosts are about the
// visitor's, too.
func (s *Pages) visible(ctx context.Context, v frame.Visitor, now time.Time, all []triage.Waiver) (out []waiver, err error) {
	tags, err := cover.Tags(ctx, s.data, v.Scope)
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if tags != nil && w.Tag != "" && !tags[w.Tag] && !slices.Contains(v.Scope, w.Tag) {
			continue
		}
		inside, err := s.within(ctx, v, w)
		if err != nil {
			return nil, err
		}
		if w.Host != "" && !inside {
			continue
		}
		still := w.Stands(now)
		out = append(out, waiver{w, now, still && w.Expires.Before(now.AddDate(0, 0, 14)), still, still && inside && v.May(frame.Operator)})
	}
	return out, nil
}

// waiversBody is the model of the page of all waivers.
type waiversBody struct {
	Now            time.Time
	Standing, Past []waiver
	Assigned       []row
	Covered        int // bad results that a waiver stands for
	May            bool
}

// waiversPage shows the waivers and what people look after.
func (s *Pages) waiversPage(w http.ResponseWriter, r *http.Request) {
	now, v := s.frame.Now(), frame.Of(r)
	b := waiversBody{Now: now, May: v.May(frame.Operator)}
	err := func() error {
		for past, to := range map[bool]*[]waiver{false: &b.Standing, true: &b.Past} {
			all, err := triage.Waivers(r.Context(), s.data, now, past)
			if err != nil {
				return err
			}
			if *to, err = s.visible(r.Context(), v, now, all[:min(len(all), shown)]); err != nil {
				return err
			}
		}
		covered, err := triage.Covered(r.Context(), s.data, now, v.Scope)
		if err != nil {
			return err
		}
		for _, n := range covered {
			b.Covered += n
		}
		assigned, err := triage.Assigned(r.Context(), s.data, now, v.Scope, shown)
		b.Assigned = rows(now, assigned)
		return err
	}()
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Show(w, r, s.pages, "waivers", frame.Page{Title: "Waivers", Section: "waivers", Body: b})
}

// waiveBody is the model of the form for a new waiver.
type waiveBody struct {
	triage.Waiver
	Until    string // as the form has it
	First    string // the first and the last day that it may say
	Last     string
	Problems []string
	Scoped   bool
}

const day = "2006-01-02"

// waivePage asks what is to be waived.
func (s *Pages) waivePage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := triage.Waiver{Check: q.Get("check"), Resource: q.Get("resource"), Host: fleet.HostID(q.Get("host")), Tag: q.Get("tag"), Owner: frame.Of(r).User}
	s.form(w, r, http.StatusOK, waiveBody{Waiver: v, Until: s.frame.Now().AddDate(0, 1, 0).Format(day)})
}

func (s *Pages) form(w http.ResponseWriter, r *http.Request, code int, b waiveBody) {
	now := s.frame.Now()
	b.First, b.Last, b.Scoped = now.AddDate(0, 0, 1).Format(day), now.AddDate(1, 0, 0).Format(day), len(frame.Of(r).Scope) > 0
	s.frame.ShowCode(w, r, code, s.pages, "waive", frame.Page{Title: "Waive findings", Section: "waivers", Body: b})
}

// waive makes a waiver.
func (s *Pages) waive(w http.ResponseWriter, r *http.Request) {
	now, v := s.frame.Now(), frame.Of(r)
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	b := waiveBody{Until: field("until"), Waiver: triage.Waiver{
		Check: field("check"), Resource: r.PostFormValue("resource"), Host: fleet.HostID(strings.ToLower(field("host"))), Tag: field("tag"),
		Owner: field("owner"), Reason: field("reason"), Who: v.User,
	}}
	if until, err := time.Parse(day, b.Until); err == nil {
		b.Expires = until
	}
	b.Problems = b.Waiver.Problems(now)
	if len(b.Problems) == 0 {
		inside, err := s.within(r.Context(), v, b.Waiver)
		if err != nil {
			s.frame.Fail(w, r, err)
			return
		}
		if !inside {
			b.Problems = []string{"You may waive on hosts of yours, or for one of your tags: " + strings.Join(v.Scope, ", ") + "."}
		}
	}
	if len(b.Problems) > 0 {
		s.form(w, r, http.StatusUnprocessableEntity, b)
		return
	}
	err := s.data.Write(r.Context(), func(tx db.Writer) error {
		id, err := triage.Add(tx, now, b.Waiver)
		if err != nil {
			return err
		}
		return record(tx, now, v, "waiver add", id, fmt.Sprintf("%s until %s for %s: %s", b.Check, b.Until, where(b.Waiver), b.Reason))
	})
	switch {
	case errors.Is(err, triage.ErrFull):
		b.Problems = []string{fmt.Sprintf("%d waivers stand: end some first.", triage.Most)}
		s.form(w, r, http.StatusUnprocessableEntity, b)
	case err != nil:
		s.frame.Fail(w, r, err)
	default:
		s.frame.Redirect(w, r, "/waivers", "Waived until "+b.Until+". What hosts say stays as it is.")
	}
}

// where says what hosts a waiver is for.
func where(w triage.Waiver) string {
	switch {
	case w.Host != "":
		return "host " + string(w.Host)
	case w.Tag != "":
		return "tag " + w.Tag
	}
	return "all hosts"
}

// end ends a waiver.
func (s *Pages) end(w http.ResponseWriter, r *http.Request) {
	now, v := s.frame.Now(), frame.Of(r)
	old, err := triage.One(r.Context(), s.data, r.PathValue("id"))
	if err == nil {
		var inside bool
		if inside, err = s.within(r.Context(), v, old); err == nil && !inside {
			err = fmt.Errorf("waiver %s is out of the scope of %s: %w", old.ID, v.User, fs.ErrNotExist)
		}
	}
	if err == nil {
		err = s.data.Write(r.Context(), func(tx db.Writer) error {
			if err := triage.End(tx, now, old.ID, v.User); err != nil {
				return err
			}
			return record(tx, now, v, "waiver end", old.ID, old.Check+" for "+where(old))
		})
	}
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Redirect(w, r, "/waivers", "The waiver is ended: what it stood for counts again.")
}
