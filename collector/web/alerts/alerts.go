// Package alerts is the dashboard's pages about messages: the rules by which people are
// told, the routes by which messages go, and the log of deliveries.
//
// Where a route leads, and its secrets, are not known here: the process that delivers
// tells names and what may be shown. Rules are the administrators' to change; operators
// try routes and send again what was refused. A visitor whose tags bound what may be
// seen sees rules and routes, and no messages, since those tell of all hosts.
package alerts

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/alert/rules"
	"seawall/collector/db"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] work with.
type Config struct {
	Frame  *frame.Frame
	Data   db.DB
	Outbox *outbox.Outbox
	// Routes returns the routes that there are, and when the process that delivers was
	// heard of last.
	Routes func() ([]alert.Route, time.Time)
	// Changed is called when rules have changed.
	Changed func()
}

// Pages are the pages.
type Pages struct {
	Config
	pages *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "alerts", "rule", "deliveries", "message")
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	return &Pages{c, pages}, nil
}

// Routes returns the pages' paths.
func (p *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /alerts", Role: frame.Viewer, Serve: p.index, Scoped: true},
		{Pattern: "POST /alerts/test", Role: frame.Operator, Serve: p.test},
		{Pattern: "GET /alerts/rules/new", Role: frame.Admin, Serve: p.newRule},
		{Pattern: "POST /alerts/rules/new", Role: frame.Admin, Serve: p.save},
		{Pattern: "GET /alerts/rules/{rule}", Role: frame.Admin, Serve: p.rule},
		{Pattern: "POST /alerts/rules/{rule}", Role: frame.Admin, Serve: p.save},
		{Pattern: "POST /alerts/rules/{rule}/delete", Role: frame.Admin, Serve: p.remove},
		{Pattern: "GET /alerts/deliveries", Role: frame.Viewer, Serve: p.whole(p.deliveries)},
		{Pattern: "GET /alerts/deliveries/{message}", Role: frame.Viewer, Serve: p.whole(p.message)},
		{Pattern: "POST /alerts/deliveries/{message}/again", Role: frame.Operator, Serve: p.whole(p.again)},
	}
}

// Examples returns paths of the pages for tests that walk them.
func (p *Pages) Examples() []string {
	return []string{"/alerts", "/alerts/rules/new", "/alerts/deliveries"}
}

// whole lets only those through who may see all hosts.
func (p *Pages) whole(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(frame.Of(r).Scope) > 0 {
			p.Frame.Failure(w, r, http.StatusForbidden, "Not for you", "Messages tell of all hosts, and you may see some of them.")
			return
		}
		serve(w, r)
	}
}

// pending is the age from which the process that delivers is said to be away.
const pending = 2 * time.Minute

// routeRow is a route as the page shows it.
type routeRow struct {
	alert.Route
	outbox.Load
	Known bool // by the process that delivers
	Rules []string
}

func (p *Pages) index(w http.ResponseWriter, r *http.Request) {
	all, err := rules.List(r.Context(), p.Data)
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	loads, err := p.Outbox.Loads(r.Context())
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	v, now := frame.Of(r), p.Frame.Now()
	all = rules.Within(all, v.Scope)
	_, seen := p.Config.Routes()
	body := struct {
		Now          time.Time
		Rules        []alert.Rule
		Routes       []routeRow
		Seen         time.Time
		Away, Never  bool
		Edit, Try    bool
		Recent       []outbox.Entry
		ShowMessages bool
	}{Now: now, Rules: all, Routes: p.routeRows(all, loads, len(v.Scope) == 0), Seen: seen, Never: seen.IsZero(), Away: !seen.IsZero() && now.Sub(seen) > pending,
		Edit: v.Administers(), Try: v.Operates() && len(v.Scope) == 0, ShowMessages: len(v.Scope) == 0}
	if body.ShowMessages {
		if body.Recent, err = p.Outbox.Log(r.Context(), outbox.Query{Limit: 5}); err != nil {
			p.Frame.Fail(w, r, err)
			return
		}
	}
	p.Frame.Show(w, r, p.pages, "alerts", frame.Page{Title: "Alerts", Section: "alerts", Body: body})
}

// routeRows returns the routes that rules name, and every other that is known or has
// messages where they are wanted.
func (p *Pages) routeRows(all []alert.Rule, loads map[string]outbox.Load, every bool) []routeRow {
	rows := map[string]*routeRow{}
	at := func(name string) *routeRow {
		if rows[name] == nil {
			rows[name] = &routeRow{Route: alert.Route{Name: name}}
		}
		return rows[name]
	}
	for i := range all {
		for _, name := range all[i].Routes {
			row := at(name)
			row.Rules = append(row.Rules, all[i].Name)
		}
	}
	known, _ := p.Config.Routes()
	for _, k := range known {
		if every || rows[k.Name] != nil {
			row := at(k.Name)
			row.Route, row.Known = k, true
		}
	}
	for name, l := range loads {
		if every && l.Waiting > 0 || rows[name] != nil {
			at(name).Load = l
		}
	}
	var sorted []routeRow
	for _, name := range sortedKeys(rows) {
		sorted = append(sorted, *rows[name])
	}
	return sorted
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// record does something in a transaction, with its line in the trail.
func (p *Pages) record(ctx context.Context, who, action, target, detail string, do func(db.Writer) error) error {
	return p.Data.Write(ctx, func(w db.Writer) error {
		if err := do(w); err != nil {
			return err
		}
		_, err := trail.Record(w, p.Frame.Now(), trail.Entry{Who: who, Action: action, Target: target, Detail: detail})
		return err
	})
}

// test sends a message to a route that rules or the deliverer name.
func (p *Pages) test(w http.ResponseWriter, r *http.Request) {
	name, user := r.PostFormValue("route"), frame.Of(r).User
	all, err := rules.List(r.Context(), p.Data)
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	if !slices.ContainsFunc(p.routeRows(all, nil, true), func(row routeRow) bool { return row.Name == name }) {
		p.Frame.NotFound(w, r)
		return
	}
	var id string
	err = p.record(r.Context(), user, "route test", name, "", func(tx db.Writer) (err error) {
		id, err = outbox.Try(tx, p.Frame.Now(), name, user)
		return err
	})
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	p.Frame.Redirect(w, r, "/alerts/deliveries/"+url.PathEscape(id), "A test message is on its way.")
}

// deliveriesBody is the model of the log.
type deliveriesBody struct {
	Now     time.Time
	Entries []outbox.Entry
	Routes  []list.Option
	States  []list.Option
	Any     bool
	Newest  string
	Older   string
}

const perPage = 50

func (p *Pages) deliveries(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q := outbox.Query{Route: v.Get("route"), State: outbox.State(v.Get("state")), Limit: perPage}
	if before, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && before > 0 {
		q.Before = before
	}
	entries, err := p.Outbox.Log(r.Context(), q)
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	loads, err := p.Outbox.Loads(r.Context())
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	b := deliveriesBody{Now: p.Frame.Now(), Entries: entries, Any: q.Route != "" || q.State != "",
		Routes: list.Options("any route", q.Route, sortedKeys(loads)...),
		States: list.Options("any state", string(q.State), string(outbox.Waiting), string(outbox.Sent), string(outbox.Refused), string(outbox.Expired))}
	here := url.Values{}
	if q.Route != "" {
		here.Set("route", q.Route)
	}
	if q.State != "" {
		here.Set("state", string(q.State))
	}
	if q.Before > 0 {
		b.Newest = "/alerts/deliveries?" + here.Encode()
	}
	if len(entries) == perPage {
		here.Set("before", strconv.FormatInt(entries[perPage-1].Seq, 10))
		b.Older = "/alerts/deliveries?" + here.Encode()
	}
	p.Frame.Show(w, r, p.pages, "deliveries", frame.Page{Title: "Deliveries", Section: "alerts", Body: b})
}

func (p *Pages) message(w http.ResponseWriter, r *http.Request) {
	e, raw, err := p.Outbox.Message(r.Context(), r.PathValue("message"))
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	body := struct {
		Now   time.Time
		Entry outbox.Entry
		Lines []string
		Again bool // may be sent again
		Size  int
	}{Now: p.Frame.Now(), Entry: e, Size: len(raw), Again: frame.Of(r).Operates() && (e.State == outbox.Refused || e.State == outbox.Expired)}
	var m alert.Message
	if e.Kind == alert.KindMessage && json.Unmarshal(raw, &m) == nil {
		body.Lines = m.Lines()
	}
	p.Frame.Show(w, r, p.pages, "message", frame.Page{Title: "Message", Section: "alerts", Body: body})
}

func (p *Pages) again(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("message")
	err := p.record(r.Context(), frame.Of(r).User, "message again", id, "", func(tx db.Writer) error { return outbox.Again(tx, p.Frame.Now(), id) })
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	p.Frame.Redirect(w, r, "/alerts/deliveries/"+url.PathEscape(id), "The message is on its way again.")
}

// ruleID reads the rule that a path names; 0 for a new one.
func ruleID(r *http.Request) (int64, error) {
	v := r.PathValue("rule")
	if v == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(v, 10, 64)
	if err != nil || id < 1 {
		return 0, fs.ErrNotExist
	}
	return id, nil
}
