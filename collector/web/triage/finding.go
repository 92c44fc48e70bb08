package triage

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"seawall/collector/db"
	"seawall/collector/triage"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

// key returns the finding that a request names, if the visitor may see it.
func (s *Pages) key(r *http.Request, value func(string) string) (triage.Key, error) {
	id, err := frame.HostID(r)
	if err == nil {
		err = s.sees(r.Context(), frame.Of(r), id)
	}
	return triage.Key{Host: id, Check: value("check"), Resource: value("resource")}, err
}

// findingBody is the model of a finding's page.
type findingBody struct {
	row
	Result  finding.Result    // the host's word
	Info    finding.CheckInfo // the text of the check, as the host has it
	Waiver  *waiver
	May     bool
	Problem string
}

// findingPage shows a finding with what people say of it.
func (s *Pages) findingPage(w http.ResponseWriter, r *http.Request) {
	k, err := s.key(r, r.URL.Query().Get)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.finding(w, r, http.StatusOK, k, nil, "")
}

// finding answers with a finding's page, with what the visitor wrote where that was not
// taken.
func (s *Pages) finding(w http.ResponseWriter, r *http.Request, code int, k triage.Key, wrote *triage.Finding, problem string) {
	now, v := s.frame.Now(), frame.Of(r)
	f, err := triage.Get(r.Context(), s.data, now, k)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	if wrote != nil {
		f.Assignee, f.Note = wrote.Assignee, wrote.Note
	}
	b := findingBody{row: rows(now, []triage.Finding{f})[0], May: v.May(frame.Operator), Problem: problem}
	if err := s.told(r.Context(), k, &b); err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	if f.Waiver != "" {
		one, err := triage.One(r.Context(), s.data, f.Waiver)
		if err != nil {
			s.frame.Fail(w, r, err)
			return
		}
		b.Waiver = &waiver{Waiver: one, Now: now, Still: true}
	}
	s.frame.ShowCode(w, r, code, s.pages, "finding", frame.Page{Title: cmp.Or(b.Info.Title, f.Check), Section: "hosts", Body: b})
}

// told adds what the host told of the finding. What it has told otherwise since the
// finding was read is left out.
func (s *Pages) told(ctx context.Context, k triage.Key, b *findingBody) error {
	d, err := s.host(ctx, k.Host)
	if err != nil {
		return fmt.Errorf("host %s: %w", k.Host, err)
	}
	b.Info = d.Checks[k.Check]
	for i := range d.States {
		if r := d.States[i].Result; r.Check == k.Check && r.Resource == k.Resource && r.Status == b.Status {
			b.Result = r
		}
	}
	return nil
}

// assign writes who looks after a finding.
func (s *Pages) assign(w http.ResponseWriter, r *http.Request) {
	now, v := s.frame.Now(), frame.Of(r)
	k, err := s.key(r, r.PostFormValue)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	wrote := triage.Finding{Assignee: strings.TrimSpace(r.PostFormValue("assignee")), Note: strings.TrimSpace(r.PostFormValue("note"))}
	if problem := triage.NoteProblem(wrote.Assignee, wrote.Note); problem != "" {
		s.finding(w, r, http.StatusUnprocessableEntity, k, &wrote, problem)
		return
	}
	err = s.data.Write(r.Context(), func(tx db.Writer) error {
		if err := triage.Assign(tx, now, k, wrote.Assignee, wrote.Note, v.User); err != nil {
			return err
		}
		return record(tx, now, v, "finding triage", k.Check+" on "+string(k.Host), "assignee "+wrote.Assignee)
	})
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Redirect(w, r, Path(k), "Noted.")
}
