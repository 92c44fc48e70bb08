package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/collector/export/rows"
	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

// Kind is what a parameter may be.
type Kind int

// The kinds.
const (
	Word     Kind = iota // text of at most 256 bytes
	HostID               // 32 hexadecimal digits
	Severity             // a severity's word
	Status               // a status's word
	Number               // from 1 to the parameter's most
	Cursor               // from 1
	Flag                 // true or false
	Moment               // RFC 3339
)

const (
	maxText = 256
	maxBody = 64 << 10
)

// Parameter is one of a path's.
type Parameter struct {
	Name, About string
	InPath      bool // else in the query
	Kind        Kind
	Of          []string // the words that it may be; empty: any
	Most        int      // of a number, 0: any; of a word, 0: 256 bytes
	Normal      int      // of a number that is not given
	Needed      bool
}

// check says what is wrong with a value.
func (p *Parameter) check(value string) error {
	switch p.Kind {
	case HostID:
		if !fleet.HostID(value).Valid() {
			return errors.New("no host's id: 32 lower-case hexadecimal digits")
		}
	case Severity:
		return new(finding.Severity).UnmarshalText([]byte(value))
	case Status:
		return new(finding.Status).UnmarshalText([]byte(value))
	case Number, Cursor:
		return p.number(value)
	case Flag:
		if value != "true" && value != "false" {
			return errors.New("neither true nor false")
		}
	case Moment:
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return errors.New("no time such as 2026-03-14T15:00:00Z")
		}
	case Word:
		return p.word(value)
	}
	return nil
}

func (p *Parameter) number(value string) error {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case p.Most == 0 && (err != nil || n < 1):
		return errors.New("no number above 0")
	case p.Most > 0 && (err != nil || n < 1 || n > int64(p.Most)):
		return fmt.Errorf("no number from 1 to %d", p.Most)
	}
	return nil
}

func (p *Parameter) word(value string) error {
	if most := cmp.Or(p.Most, maxText); len(value) > most {
		return fmt.Errorf("longer than %d bytes", most)
	}
	if len(p.Of) > 0 && !slices.Contains(p.Of, value) {
		return fmt.Errorf("%q is none of %s", value, strings.Join(p.Of, ", "))
	}
	return nil
}

// Request is one that was understood.
type Request struct {
	*http.Request
	Visitor frame.Visitor
	Body    any // a pointer to what the endpoint's Body is of, or nil
	values  map[string]string
	normal  map[string]int
	server  *Server
	within  map[fleet.HostID]bool // the scope's, once it was asked for
}

// Text returns a parameter's value, "" where it is not given.
func (r *Request) Text(name string) string { return r.values[name] }

// Host returns a parameter that is a host's id.
func (r *Request) Host(name string) fleet.HostID { return fleet.HostID(r.values[name]) }

// Is returns a flag.
func (r *Request) Is(name string) bool { return r.values[name] == "true" }

// Number returns a number or a cursor, or what it is where it is not given.
func (r *Request) Number(name string) int64 {
	n, err := strconv.ParseInt(r.values[name], 10, 64)
	if err != nil { // not given: what is given was checked
		return int64(r.normal[name])
	}
	return n
}

// Severity returns a severity, the least where it is not given.
func (r *Request) Severity(name string) (s finding.Severity) {
	if err := s.UnmarshalText([]byte(r.values[name])); err != nil { // not given
		return finding.SeverityUnknown
	}
	return s
}

// Status returns a status, or none.
func (r *Request) Status(name string) (s finding.Status) {
	if err := s.UnmarshalText([]byte(r.values[name])); err != nil { // not given
		return finding.StatusUnspecified
	}
	return s
}

// Moment returns a time, the zero time where it is not given.
func (r *Request) Moment(name string) time.Time {
	t, err := time.Parse(time.RFC3339, r.values[name])
	if err != nil { // not given
		return time.Time{}
	}
	return t.UTC()
}

// Who is the visitor as the audit trail names it.
func (r *Request) Who() string { return Who(r.Visitor) }

// Who is a visitor as the audit trail names it.
func Who(v frame.Visitor) string {
	if !v.Program {
		return v.User
	}
	return strings.TrimSpace("token "+v.Session) + " of " + v.User
}

// WholeFleet refuses what sums up hosts that the visitor may not see.
func (r *Request) WholeFleet() error {
	if len(r.Visitor.Scope) > 0 {
		return &refusal{http.StatusForbidden, "This is about the whole fleet, and your account is limited to hosts with certain tags."}
	}
	return nil
}

// May returns an error that answers that there is no such host, for one that the visitor
// may not see.
func (r *Request) May(id fleet.HostID) error {
	sees, err := r.Sees()
	if err == nil && sees != nil && !sees(id) {
		err = NotFound("host")
	}
	return err
}

// Sees returns which hosts the visitor may see, nil for all.
func (r *Request) Sees() (func(fleet.HostID) bool, error) {
	if len(r.Visitor.Scope) == 0 {
		return nil, nil
	}
	if r.within == nil {
		within, err := r.server.within(r.Context(), r.Visitor.Scope)
		if err != nil {
			return nil, err
		}
		r.within = within
	}
	return func(id fleet.HostID) bool { return r.within[id] }, nil
}

// Sees returns which hosts a visitor may see, nil for all.
func (s *Server) Sees(ctx context.Context, v frame.Visitor) (func(fleet.HostID) bool, error) {
	if len(v.Scope) == 0 {
		return nil, nil
	}
	within, err := s.within(ctx, v.Scope)
	return func(id fleet.HostID) bool { return within[id] }, err
}

// within returns the hosts of a scope, archived ones, too.
func (s *Server) within(ctx context.Context, scope []string) (map[fleet.HostID]bool, error) {
	all := map[fleet.HostID]bool{}
	for q := (fleet.HostQuery{Scope: scope, Every: true, Sort: fleet.ByID, Size: fleet.MaxPage}); ; {
		page, err := s.config.Hosts(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("hosts of a scope: %w", err)
		}
		for i := range page.Hosts {
			q.After = page.Hosts[i].ID
			all[q.After] = true
		}
		if len(page.Hosts) == 0 || len(page.Hosts) >= page.Total {
			return all, nil
		}
	}
}

// read understands a request, or says what is wrong with it.
func (s *Server) read(e *Endpoint, w http.ResponseWriter, in *http.Request) (*Request, error) {
	r := &Request{Request: in, Visitor: frame.Of(in), values: map[string]string{}, normal: map[string]int{}, server: s}
	given := in.URL.Query()
	for i := range e.Parameters {
		if err := r.parameter(&e.Parameters[i], given); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		return nil, &refusal{http.StatusBadRequest, fmt.Sprintf("parameter %q: no such parameter", rows.Cell(name))}
	}
	if e.Method != http.MethodGet && !r.Visitor.Program {
		return nil, &refusal{http.StatusForbidden, "A change takes an API token: a session's cookie is not enough."}
	}
	if e.Body == nil {
		return r, nil
	}
	r.Body = reflect.New(reflect.TypeOf(e.Body)).Interface()
	return r, decode(w, in, r.Body)
}

// parameter reads one, and takes it out of what is given.
func (r *Request) parameter(p *Parameter, given map[string][]string) error {
	r.normal[p.Name] = p.Normal
	if p.InPath {
		r.values[p.Name] = r.PathValue(p.Name)
		if p.check(r.values[p.Name]) != nil {
			return fmt.Errorf("%s: %w", p.Name, fs.ErrNotExist)
		}
		return nil
	}
	values, ok := given[p.Name]
	if !ok {
		if p.Needed {
			return &refusal{http.StatusBadRequest, "parameter " + p.Name + ": is missing"}
		}
		return nil
	}
	delete(given, p.Name)
	if len(values) > 1 {
		return &refusal{http.StatusBadRequest, fmt.Sprintf("parameter %s: given %d times", p.Name, len(values))}
	}
	if err := p.check(values[0]); err != nil {
		return &refusal{http.StatusBadRequest, "parameter " + p.Name + ": " + err.Error()}
	}
	r.values[p.Name] = values[0]
	return nil
}

// decode reads a body: one JSON value, without fields that are not known.
func decode(w http.ResponseWriter, in *http.Request, to any) error {
	if kind, _, err := mime.ParseMediaType(in.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, "The body must be application/json."}
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, in.Body, maxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(to)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("there is more after the value")
		}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("The body must be at most %d bytes.", maxBody)}
	}
	if err != nil {
		return &refusal{http.StatusBadRequest, "body: " + rows.Cell(err.Error())}
	}
	return nil
}
