package decide

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/alert/rules"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/plain"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/rest"
)

// moment is a time in a body.
type moment time.Time

// UnmarshalText reads RFC 3339.
func (m *moment) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return errors.New("no time such as 2026-03-14T15:00:00Z")
	}
	*m = moment(t.UTC())
	return nil
}

// MarshalText writes it.
func (m moment) MarshalText() ([]byte, error) { return time.Time(m).MarshalText() }

func (m moment) time() time.Time { return time.Time(m) }

// tell writes a line of the audit trail.
func (s *server) tell(w db.Writer, r *rest.Request, action, target, detail string) error {
	_, err := trail.Record(w, s.Now(), trail.Entry{Who: r.Who(), Action: action, Target: target, Detail: detail})
	return err
}

type (
	ruleList struct {
		Rules []alert.Rule `json:"rules"`
	}
	routeList struct {
		Routes []alert.Route `json:"routes"`
		Seen   time.Time     `json:"seen,omitzero"` // when the process that delivers was heard of last
	}
	delivery struct {
		Seq      int64        `json:"seq"`
		ID       string       `json:"id"`
		Route    string       `json:"route"`
		Kind     alert.Kind   `json:"kind"`
		Title    string       `json:"title"`
		Rule     string       `json:"rule"`
		Made     time.Time    `json:"made"`
		Due      time.Time    `json:"due,omitzero"`
		Attempts int          `json:"attempts"`
		State    outbox.State `json:"state"`
		Ended    time.Time    `json:"ended,omitzero"`
		Detail   string       `json:"detail"`
	}
	deliveryList struct {
		Deliveries []delivery `json:"deliveries"`
		Next       int64      `json:"next"` // the parameter before of the next page, or 0
	}
	streamList struct {
		Exports []order.Progress `json:"exports"`
	}
)

// alerts are the endpoints about messages.
func (s *server) alerts() []rest.Endpoint {
	id := rest.Parameter{Name: "id", InPath: true, Kind: rest.Number, About: "The rule's number."}
	return []rest.Endpoint{
		{Path: "/api/v1/alerts/rules", ID: "rules", Summary: "Rules of alerts, by name. Times are nanoseconds.", Answer: ruleList{}, Serve: s.listRules},
		{Method: http.MethodPost, Path: "/api/v1/alerts/rules", ID: "addRule", Summary: "Make a rule. Its name is new.", Role: frame.Admin, Body: alert.Rule{}, Answer: alert.Rule{}, Serve: s.saveRule},
		{Method: http.MethodPut, Path: "/api/v1/alerts/rules/{id}", ID: "changeRule", Summary: "Change a rule", Role: frame.Admin, Body: alert.Rule{}, Answer: alert.Rule{}, Serve: s.saveRule, Parameters: []rest.Parameter{id}},
		{Method: http.MethodDelete, Path: "/api/v1/alerts/rules/{id}", ID: "deleteRule", Summary: "Delete a rule", Role: frame.Admin, Serve: s.deleteRule, Parameters: []rest.Parameter{id}},
		{Path: "/api/v1/alerts/routes", ID: "routes", Summary: "Routes of messages, without secrets", Answer: routeList{}, Serve: s.listRoutes},
		{Path: "/api/v1/alerts/deliveries", ID: "deliveries", Summary: "Messages and what became of them, newest first", Answer: deliveryList{}, Serve: s.deliveries, Parameters: []rest.Parameter{
			{Name: "route", About: "By this route."}, {Name: "state", Of: []string{"waiting", "sent", "refused", "expired"}, About: "In this state."}, before(), limit(200, 50)}},
	}
}

func (s *server) listRules(r *rest.Request) (any, error) {
	all, err := rules.List(r.Context(), s.Data)
	all = rules.Within(all, r.Visitor.Scope)
	for i := range all {
		all[i].Topics, all[i].Routes = plain.List(all[i].Topics), plain.List(all[i].Routes)
	}
	return ruleList{plain.List(all)}, err
}

func (s *server) saveRule(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	b, ok := r.Body.(*alert.Rule)
	if !ok {
		return nil, errors.New("rule: no body")
	}
	b.ID = r.Number("id")
	if err := b.Check(); err != nil {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, strings.ReplaceAll(err.Error(), "\n", "; ")+".")
	}
	fresh, action := b.ID == 0, "rule change"
	if fresh {
		action = "rule add"
	}
	err := s.record(r, action, b.Name, fmt.Sprintf("%s to %s, enabled %v", b.MinSeverity, strings.Join(b.Routes, ", "), b.Enabled), func(tx db.Writer) (err error) {
		b.ID, err = rules.Save(tx, s.Now(), *b)
		return err
	})
	switch {
	case errors.Is(err, rules.ErrTaken):
		return nil, rest.Refuse(http.StatusConflict, "Another rule has this name.")
	case err != nil:
		return nil, err
	}
	s.Rules()
	if fresh {
		return rest.Created{At: fmt.Sprintf("/api/v1/alerts/rules/%d", b.ID), What: *b}, nil
	}
	return *b, nil
}

func (s *server) deleteRule(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	old, err := rules.Get(r.Context(), s.Data, r.Number("id"))
	if err != nil {
		return nil, err
	}
	err = s.record(r, "rule delete", old.Name, "", func(tx db.Writer) error { return rules.Delete(tx, old.ID) })
	s.Rules()
	return nil, err
}

func (s *server) listRoutes(r *rest.Request) (any, error) {
	all, seen := s.Routes()
	if scope := r.Visitor.Scope; len(scope) > 0 {
		mine, err := rules.List(r.Context(), s.Data)
		if err != nil {
			return nil, err
		}
		mine = rules.Within(mine, scope)
		all = slices.DeleteFunc(slices.Clone(all), func(route alert.Route) bool {
			return !slices.ContainsFunc(mine, func(rule alert.Rule) bool { return slices.Contains(rule.Routes, route.Name) })
		})
	}
	return routeList{plain.List(all), seen.UTC()}, nil
}

func (s *server) deliveries(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	q := outbox.Query{Route: r.Text("route"), State: outbox.State(r.Text("state")), Before: r.Number("before"), Limit: int(r.Number("limit"))}
	all, err := s.Outbox.Log(r.Context(), q)
	if err != nil {
		return nil, err
	}
	list := deliveryList{Deliveries: []delivery{}}
	for _, e := range all {
		list.Deliveries = append(list.Deliveries, delivery{e.Seq, e.ID, e.Route, e.Kind, e.Title, e.Rule, e.Made, e.Due, e.Attempts, e.State, e.Ended, e.Detail})
	}
	if n := len(all); n == q.Limit {
		list.Next = all[n-1].Seq
	}
	return list, nil
}

// exports are the endpoints about what goes to other programs.
func (s *server) exports() []rest.Endpoint {
	name := rest.Parameter{Name: "name", InPath: true, About: "The export's name."}
	return []rest.Endpoint{
		{Path: "/api/v1/exports", ID: "exports", Summary: "Continuous exports, and how far each got", Answer: streamList{}, Serve: s.listExports},
		{Method: http.MethodPut, Path: "/api/v1/exports/{name}", ID: "putExport", Summary: "Make or change a continuous export", Role: frame.Admin, Parameters: []rest.Parameter{name}, Body: order.Order{}, Answer: order.Progress{}, Serve: s.putExport},
		{Method: http.MethodDelete, Path: "/api/v1/exports/{name}", ID: "deleteExport", Summary: "Delete a continuous export", Role: frame.Admin, Parameters: []rest.Parameter{name}, Serve: s.deleteExport},
	}
}

func (s *server) listExports(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	all, err := order.List(r.Context(), s.Data)
	for i := range all {
		all[i] = shown(all[i])
	}
	return streamList{plain.List(all)}, err
}

func shown(p order.Progress) order.Progress {
	p.What, p.Families, p.Tags = plain.List(p.What), plain.List(p.Families), plain.List(p.Tags)
	return p
}

func (s *server) putExport(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	b, ok := r.Body.(*order.Order)
	if !ok || b.Name != "" && b.Name != r.Text("name") {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, "The name is the path's.")
	}
	b.Name = r.Text("name")
	if err := b.Check(); err != nil {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, strings.ReplaceAll(err.Error(), "\n", "; ")+".")
	}
	_, err := order.Put(r.Context(), s.Data, s.Now(), r.Who(), *b)
	if errors.Is(err, order.ErrFull) {
		return nil, rest.Refuse(http.StatusConflict, err.Error())
	}
	if err != nil {
		return nil, err
	}
	s.Exports()
	p, err := order.Get(r.Context(), s.Data, b.Name)
	return shown(p), err
}

func (s *server) deleteExport(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	name := r.Text("name")
	err := order.Drop(r.Context(), s.Data, s.Now(), r.Who(), name)
	s.Exports()
	return nil, err
}
