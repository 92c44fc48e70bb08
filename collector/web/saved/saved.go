// Package saved has the views of the list of hosts that people save: those above the list
// ([Pages.Bar]), and the forms that save and remove one.
//
// A view is the list's filter and order as its own address has them, read by package list
// and written anew both when it is saved and when it is shown: it leads nowhere but to
// that list. It shows each visitor what the visitor may see.
//
// Whoever shares one puts its name and its filter before everybody, also before who sees
// only some hosts. So it takes an operator who sees all, as does removing what another
// shared. Both are in the audit trail, in the transaction that does it.
package saved

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"seawall/collector/db"
	"seawall/collector/trail"
	"seawall/collector/views"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame *frame.Frame
	Data  db.DB
}

// Pages are the pages.
type Pages struct {
	data  db.DB
	frame *frame.Frame
	pages *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "save")
	if err != nil {
		return nil, fmt.Errorf("saved views: %w", err)
	}
	return &Pages{c.Data, c.Frame, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "POST /hosts/views", Role: frame.Viewer, Serve: s.save, Scoped: true},
		{Pattern: "POST /hosts/views/{id}/remove", Role: frame.Viewer, Serve: s.remove, Scoped: true},
	}
}

// shares reports whether the visitor may put something before everybody.
func shares(v frame.Visitor) bool { return v.May(frame.Operator) && len(v.Scope) == 0 }

// Bar returns what stands above the list that q selects.
func (s *Pages) Bar(ctx context.Context, v frame.Visitor, q list.HostFilter) (list.Views, error) {
	all, err := views.Of(ctx, s.data, v.User)
	if err != nil {
		return list.Views{}, fmt.Errorf("views of %s: %w", v.User, err)
	}
	b := list.Views{Query: q.Query(), Share: shares(v)}
	for _, one := range all {
		query := reread(one.Query)
		l := list.View{ID: one.ID, Name: one.Name, Path: path(query), Shared: one.Shared, May: true, Here: query == b.Query}
		if one.Account != v.User {
			l.By, l.May = one.Account, b.Share
		}
		b.Links = append(b.Links, l)
	}
	return b, nil
}

// reread returns of a query what a list of hosts understands, as it writes it itself.
func reread(query string) string {
	v, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return list.Hosts(v).Query()
}

// path returns the address of the list of a query that was reread.
func path(query string) string { return strings.TrimSuffix("/hosts?"+query, "?") }

// record writes what the visitor did into the trail.
func (s *Pages) record(w db.Writer, v frame.Visitor, action string, of views.View) error {
	who := v.User
	if v.Program {
		who = "token " + v.Session + " of " + v.User
	}
	_, err := trail.Record(w, s.frame.Now(), trail.Entry{Who: who, Action: action, Target: of.Name, Detail: of.Account + ": " + of.Query})
	return err
}

// saveBody is the model of the form for a view that could not be saved.
type saveBody struct {
	Name, Query string
	Shared      bool
	Share       bool // the visitor may
	Back        string
	Problems    []string
}

// save keeps the list that the form names.
func (s *Pages) save(w http.ResponseWriter, r *http.Request) {
	v := frame.Of(r)
	one := views.View{Account: v.User, Name: strings.TrimSpace(r.PostFormValue("name")), Query: reread(r.PostFormValue("query")), Shared: r.PostFormValue("shared") == "yes"}
	if one.Shared && !shares(v) {
		s.frame.Failure(w, r, http.StatusForbidden, "Not allowed", "Operators who see all hosts share views with everybody.")
		return
	}
	b := saveBody{Name: one.Name, Query: one.Query, Shared: one.Shared, Share: shares(v), Back: path(one.Query), Problems: one.Problems()}
	var was views.View
	var err error
	if len(b.Problems) == 0 {
		err = s.data.Write(r.Context(), func(tx db.Writer) (err error) {
			if was, err = views.Save(tx, s.frame.Now(), one); err != nil {
				return err
			}
			switch {
			case one.Shared:
				return s.record(tx, v, "view share", one)
			case was.Shared:
				return s.record(tx, v, "view unshare", was)
			}
			return nil
		})
	}
	switch {
	case errors.Is(err, views.ErrFull):
		b.Problems = []string{fmt.Sprintf("You have %d views: remove some first.", views.Most)}
	case errors.Is(err, views.ErrSharedFull):
		b.Problems = []string{fmt.Sprintf("%d views are shared: remove some first.", views.MostShared)}
	case err != nil:
		s.frame.Fail(w, r, err)
		return
	}
	switch {
	case len(b.Problems) > 0:
		s.frame.ShowCode(w, r, http.StatusUnprocessableEntity, s.pages, "save", frame.Page{Title: "Save this view", Section: "hosts", Body: b})
	case was.ID != "":
		s.frame.Redirect(w, r, b.Back, "The view was saved in the place of the one of that name.")
	default:
		s.frame.Redirect(w, r, b.Back, "The view is saved.")
	}
}

// remove removes a view and leads back to the list from which that was asked.
func (s *Pages) remove(w http.ResponseWriter, r *http.Request) {
	v := frame.Of(r)
	err := s.data.Write(r.Context(), func(tx db.Writer) error {
		was, err := views.Remove(tx, r.PathValue("id"), v.User, shares(v))
		if err != nil || !was.Shared {
			return err
		}
		return s.record(tx, v, "view unshare", was)
	})
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Redirect(w, r, path(reread(r.PostFormValue("query"))), "The view is removed.")
}
