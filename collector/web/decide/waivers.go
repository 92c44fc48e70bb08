package decide

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/triage"
	"seawall/collector/triage/cover"
	"seawall/collector/web/frame"
	"seawall/collector/web/rest"
)

type (
	waiverList struct {
		Waivers []triage.Waiver `json:"waivers"`
	}
	findingList struct {
		Findings []triage.Finding `json:"findings"`
		More     bool             `json:"more"` // there are more than an answer has
	}
	// newWaiver is what a program says of a waiver.
	newWaiver struct {
		Check    string       `json:"check"`
		Resource string       `json:"resource,omitempty"`
		Host     fleet.HostID `json:"host,omitempty"`
		Tag      string       `json:"tag,omitempty"`
		Owner    string       `json:"owner"`
		Reason   string       `json:"reason"`
		Expires  moment       `json:"expires"`
	}
	// note is what a program says of a finding.
	note struct {
		Check    string `json:"check"`
		Resource string `json:"resource,omitempty"`
		Assignee string `json:"assignee"`
		Note     string `json:"note"`
	}
)

// most is how many findings an answer has.
const most = 1000

// waivers are the endpoints about findings and their waivers.
func (s *server) waivers() []rest.Endpoint {
	host := rest.Parameter{Name: "id", InPath: true, Kind: rest.HostID, About: "The host's id."}
	return []rest.Endpoint{
		{Path: "/api/v1/waivers", ID: "waivers", Summary: "Waivers that stand, or those that did", Answer: waiverList{}, Serve: s.listWaivers,
			Parameters: []rest.Parameter{{Name: "past", Kind: rest.Flag, About: "true: those that ended or expired."}}},
		{Method: http.MethodPost, Path: "/api/v1/waivers", ID: "waive", Summary: "Waive findings of a check until a day. The same waiver again is found, not made.", Role: frame.Operator,
			Body: newWaiver{}, Answer: triage.Waiver{}, Serve: s.waive},
		{Method: http.MethodDelete, Path: "/api/v1/waivers/{id}", ID: "endWaiver", Summary: "End a waiver", Role: frame.Operator, Serve: s.endWaiver,
			Parameters: []rest.Parameter{{Name: "id", InPath: true, About: "The waiver's id."}}},
		{Path: "/api/v1/hosts/{id}/findings", ID: "hostFindings", Summary: "What is bad on a host, with what people say of it", Answer: findingList{}, Serve: s.hostFindings, Parameters: []rest.Parameter{host}},
		{Path: "/api/v1/checks/{id}/findings", ID: "checkFindings", Summary: "What is bad of a check, with what people say of it", Answer: findingList{}, Serve: s.checkFindings,
			Parameters: []rest.Parameter{{Name: "id", InPath: true, About: "The check's id."}}},
		{Method: http.MethodPut, Path: "/api/v1/hosts/{id}/findings", ID: "triage", Summary: "Say who looks after a finding", Role: frame.Operator, Body: note{}, Answer: triage.Finding{}, Serve: s.assign,
			Parameters: []rest.Parameter{host}},
	}
}

// within reports whether what a waiver is for lies within the visitor's scope.
func (s *server) within(r *rest.Request, w *triage.Waiver) (bool, error) {
	switch {
	case len(r.Visitor.Scope) == 0:
		return true, nil
	case w.Host != "":
		tags, err := triage.Tags(r.Context(), s.Data, w.Host)
		return r.Visitor.Sees(tags), err
	}
	return w.Tag != "" && slices.Contains(r.Visitor.Scope, w.Tag), nil
}

// listWaivers answers with waivers. Those of one host are for who sees it, those of a tag
// for who sees a host that has it; those of all hosts are about anybody's.
func (s *server) listWaivers(r *rest.Request) (any, error) {
	all, err := triage.Waivers(r.Context(), s.Data, s.Now(), r.Is("past"))
	if err != nil {
		return nil, fmt.Errorf("waivers: %w", err)
	}
	tags, err := cover.Tags(r.Context(), s.Data, r.Visitor.Scope)
	if err != nil {
		return nil, err
	}
	list := waiverList{Waivers: []triage.Waiver{}}
	for i := range all {
		inside, err := s.within(r, &all[i])
		if err != nil {
			return nil, err
		}
		if w := &all[i]; inside || w.Host == "" && (w.Tag == "" || tags[w.Tag]) {
			list.Waivers = append(list.Waivers, all[i])
		}
	}
	return list, nil
}

func (s *server) waive(r *rest.Request) (any, error) {
	b, ok := r.Body.(*newWaiver)
	if !ok {
		return nil, errors.New("waive: no body")
	}
	now := s.Now()
	w := triage.Waiver{Check: strings.TrimSpace(b.Check), Resource: b.Resource, Host: b.Host, Tag: b.Tag, Owner: strings.TrimSpace(b.Owner), Reason: strings.TrimSpace(b.Reason),
		Who: r.Visitor.User, Expires: b.Expires.time()}
	if problems := w.Problems(now); len(problems) > 0 {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, strings.Join(problems, " "))
	}
	inside, err := s.within(r, &w)
	if err != nil {
		return nil, err
	}
	if !inside {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, "You may waive on hosts of yours, or for one of your tags: "+strings.Join(r.Visitor.Scope, ", ")+".")
	}
	old, err := s.standing(r, &w)
	if err != nil || old != nil {
		return old, err
	}
	detail := fmt.Sprintf("%s until %s: %s", w.Check, w.Expires.Format("2006-01-02"), w.Reason)
	err = s.Data.Write(r.Context(), func(tx db.Writer) error {
		if w.ID, err = triage.Add(tx, now, w); err != nil {
			return err
		}
		return s.tell(tx, r, "waiver add", w.ID, detail)
	})
	if errors.Is(err, triage.ErrFull) {
		return nil, rest.Refuse(http.StatusConflict, fmt.Sprintf("%d waivers stand: end some first.", triage.Most))
	}
	if err != nil {
		return nil, fmt.Errorf("waive: %w", err)
	}
	made, err := triage.One(r.Context(), s.Data, w.ID)
	return rest.Created{At: "/api/v1/waivers/" + w.ID, What: made}, err
}

// standing returns a waiver that stands and says the same, or nil.
func (s *server) standing(r *rest.Request, w *triage.Waiver) (any, error) {
	all, err := triage.OfCheck(r.Context(), s.Data, s.Now(), w.Check)
	if err != nil {
		return nil, fmt.Errorf("waivers: %w", err)
	}
	for _, o := range all {
		if o.Resource == w.Resource && o.Host == w.Host && o.Tag == w.Tag && o.Owner == w.Owner && o.Reason == w.Reason && o.Expires.Equal(w.Expires) {
			return o, nil
		}
	}
	return nil, nil
}

// endWaiver ends a waiver. One that has ended is as it should be.
func (s *server) endWaiver(r *rest.Request) (any, error) {
	old, err := triage.One(r.Context(), s.Data, r.Text("id"))
	if err != nil {
		return nil, err
	}
	inside, err := s.within(r, &old)
	switch {
	case err != nil:
		return nil, err
	case !inside:
		return nil, rest.NotFound("waiver")
	case !old.Stands(s.Now()):
		return nil, nil
	}
	return nil, s.record(r, "waiver end", old.ID, old.Check, func(tx db.Writer) error { return triage.End(tx, s.Now(), old.ID, r.Visitor.User) })
}

func (s *server) hostFindings(r *rest.Request) (any, error) {
	id := r.Host("id")
	if err := s.sees(r, id); err != nil {
		return nil, err
	}
	all, err := triage.OfHost(r.Context(), s.Data, s.Now(), id, most+1)
	return findings(all), err
}

func (s *server) checkFindings(r *rest.Request) (any, error) {
	all, err := triage.FindingsOf(r.Context(), s.Data, s.Now(), r.Text("id"), r.Visitor.Scope, most+1)
	return findings(all), err
}

func findings(all []triage.Finding) findingList {
	return findingList{plain.List(all[:min(len(all), most)]), len(all) > most}
}

func (s *server) assign(r *rest.Request) (any, error) {
	b, ok := r.Body.(*note)
	if !ok {
		return nil, errors.New("triage: no body")
	}
	k := triage.Key{Host: r.Host("id"), Check: b.Check, Resource: b.Resource}
	if err := s.sees(r, k.Host); err != nil {
		return nil, err
	}
	if problem := triage.NoteProblem(b.Assignee, b.Note); problem != "" {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, problem)
	}
	err := s.record(r, "finding triage", k.Check+" on "+string(k.Host), "assignee "+b.Assignee, func(tx db.Writer) error {
		return triage.Assign(tx, s.Now(), k, b.Assignee, b.Note, r.Visitor.User)
	})
	if err != nil {
		return nil, err
	}
	return triage.Get(r.Context(), s.Data, s.Now(), k)
}
