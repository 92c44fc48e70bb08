// Package settings has the page that says what is collected and how long it is kept, and
// where an administrator has a host or a person's name forgotten.
//
// What was forgotten is in the audit trail, in the transaction that did it or looked
// for the last time: of a host its id, which the collector drew; of a person no name.
package settings

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/privacy"
	"seawall/collector/retention"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

//go:embed templates/*.html
var files embed.FS

// Kept says how long something is kept.
type Kept struct {
	What string
	Long string
}

// Standing says how long what is kept that nobody sets but by the configuration:
// hosts are archived after so many days of silence.
func Standing(archiveDays int) []Kept {
	return []Kept{
		{What: "Standing results and facts of a host", Long: "until the host tells others, or is forgotten"},
		{What: "Hosts that are silent", Long: fmt.Sprintf("archived after %d days (archive-after-days), until forgotten", archiveDays)},
		{What: "Records that could not be taken", Long: "the newest 1,000 of a host, their names and sizes alone"},
		{What: "Daily sums, which name nobody", Long: "800 days"},
		{What: "Saved views of the list of hosts", Long: "until removed, or the user who saved them is"},
		{What: "Who looks after a finding, and notes", Long: "as long as the finding"},
	}
}

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame *frame.Frame
	Data  db.DB
	// Forget deletes a host everywhere, together with what record writes, and returns
	// how many rows are gone. A host that is not known is an error that is
	// fleet.ErrUnknown.
	Forget func(ctx context.Context, id fleet.HostID, record func(w db.Writer, rows int64) error) (rows int64, err error)
	Kept   []Kept // what nobody sets
	Days   int    // for which changes and detections are kept where nobody set it
}

// Pages are the pages.
type Pages struct {
	config Config
	frame  *frame.Frame
	pages  *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "settings")
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return &Pages{c, c.Frame, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /settings", Role: frame.Viewer, Serve: s.page, Scoped: true},
		{Pattern: "POST /settings/retention", Role: frame.Admin, Serve: s.setRetention},
		{Pattern: "POST /settings/forget-host", Role: frame.Admin, Serve: s.forgetHost},
		{Pattern: "POST /settings/forget-name", Role: frame.Admin, Serve: s.forgetName},
	}
}

// body is the model of the page.
type body struct {
	Collected   []privacy.Group
	Kept        []Kept
	Periods     []retention.Period
	Problems    []string // of the periods
	Most        int
	May         bool // forget, and say how long what is kept
	Host, Name  string
	HostProblem string
	NameProblem string
}

// page shows the settings, with the host of the address to be forgotten, if it names one.
func (s *Pages) page(w http.ResponseWriter, r *http.Request) {
	var b body
	if id := fleet.HostID(r.URL.Query().Get("host")); id.Valid() {
		b.Host = string(id)
	}
	s.show(w, r, http.StatusOK, b)
}

func (s *Pages) show(w http.ResponseWriter, r *http.Request, code int, b body) {
	v := frame.Of(r)
	b.Collected, b.Kept, b.May, b.Most = privacy.Collected(), s.config.Kept, v.May(frame.Admin) && len(v.Scope) == 0, retention.Most
	if b.Periods == nil {
		var err error
		if b.Periods, err = retention.All(r.Context(), s.config.Data, s.config.Days); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
	}
	s.frame.ShowCode(w, r, code, s.pages, "settings", frame.Page{Title: "Settings", Section: "settings", Body: b})
}

// record writes what the visitor did into the trail.
func record(w db.Writer, now time.Time, r *http.Request, action, target, detail string) error {
	v := frame.Of(r)
	who := v.User
	if v.Program {
		who = "token " + v.Session + " of " + v.User
	}
	_, err := trail.Record(w, now, trail.Entry{Who: who, Action: action, Target: target, Detail: detail})
	return err
}

// all reports whether the visitor's word goes for all hosts, and answers when not.
func (s *Pages) all(w http.ResponseWriter, r *http.Request) bool {
	if len(frame.Of(r).Scope) == 0 {
		return true
	}
	s.frame.Failure(w, r, http.StatusForbidden, "Not allowed", "Who sees only some hosts cannot do this for all.")
	return false
}

// forgetHost deletes a host everywhere.
func (s *Pages) forgetHost(w http.ResponseWriter, r *http.Request) {
	if !s.all(w, r) {
		return
	}
	b := body{Host: strings.ToLower(strings.TrimSpace(r.PostFormValue("host")))}
	id := fleet.HostID(b.Host)
	if !id.Valid() || r.PostFormValue("sure") != "yes" {
		b.HostProblem = "Give the host's id, 32 hexadecimal digits, and say that you are sure."
		s.show(w, r, http.StatusUnprocessableEntity, b)
		return
	}
	rows, err := s.config.Forget(r.Context(), id, func(tx db.Writer, rows int64) error {
		return record(tx, s.frame.Now(), r, "host forget", b.Host, fmt.Sprintf("%d rows deleted, none left", rows))
	})
	switch {
	case errors.Is(err, fleet.ErrUnknown):
		b.HostProblem = "There is no such host."
		s.show(w, r, http.StatusUnprocessableEntity, b)
	case err != nil:
		s.frame.Fail(w, r, err)
	default:
		s.frame.Redirect(w, r, "/settings", fmt.Sprintf("The host is forgotten. Rows deleted: %d. A second look found none.", rows))
	}
}

// forgetName takes a person's name out of what hosts told.
func (s *Pages) forgetName(w http.ResponseWriter, r *http.Request) {
	if !s.all(w, r) {
		return
	}
	b := body{Name: strings.TrimSpace(r.PostFormValue("name"))}
	err := privacy.CheckName(b.Name)
	if err == nil && r.PostFormValue("sure") != "yes" {
		err = errors.New("say that you are sure")
	}
	if err != nil {
		b.NameProblem = "This was not done: " + err.Error() + "."
		s.show(w, r, http.StatusUnprocessableEntity, b)
		return
	}
	report, err := privacy.User(r.Context(), s.config.Data, b.Name, func(tx db.Writer, p privacy.Report) error {
		return record(tx, s.frame.Now(), r, "name forget", "", p.Detail())
	})
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	done := fmt.Sprintf("The name is taken out. Mentions: %d, in rows: %d. A second look at %d rows found none.", report.Words, report.Changed, report.Looked)
	if report.Standing > 0 {
		done += fmt.Sprintf(" Standing results about the account itself, which go when it is removed on the host: %d.", report.Standing)
	}
	s.frame.Redirect(w, r, "/settings", done)
}
