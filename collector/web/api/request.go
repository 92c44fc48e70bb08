package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"seawall/collector/export/rows"
	"seawall/collector/fleet"
	"seawall/collector/web/answer"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

// kind is what a parameter may be.
type kind int

const (
	word     kind = iota // text of at most maxText bytes
	hostID               // 32 hexadecimal digits
	severity             // a severity's word
	number               // from 1 to the parameter's most
	cursor               // from 1
)

const maxText = 256

// parameter is one of a path's.
type parameter struct {
	name, about string
	in          string // "path", or "" for the query
	kind        kind
	of          []string // the words that it may be; empty: any
	most        int      // of a number; 0: any
	normal      int      // of a number that is not given
}

// check says what is wrong with a value.
func (p *parameter) check(value string) error {
	switch p.kind {
	case hostID:
		if !fleet.HostID(value).Valid() {
			return errors.New("no host's id: 32 lower-case hexadecimal digits")
		}
	case severity:
		var s finding.Severity
		return s.UnmarshalText([]byte(value))
	case number, cursor:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 1 || p.most > 0 && n > int64(p.most) {
			if p.most > 0 {
				return fmt.Errorf("no number from 1 to %d", p.most)
			}
			return errors.New("no number above 0")
		}
	case word:
		if len(value) > maxText {
			return fmt.Errorf("longer than %d bytes", maxText)
		}
		if len(p.of) > 0 && !slices.Contains(p.of, value) {
			return fmt.Errorf("%q is none of %s", value, strings.Join(p.of, ", "))
		}
	}
	return nil
}

// request is one that was understood.
type request struct {
	*http.Request
	values map[string]string
	normal map[string]int
	// sees says which hosts the visitor may see; nil: all.
	sees func(fleet.HostID) bool
}

func (r *request) int64(name string) int64 {
	n, err := strconv.ParseInt(r.values[name], 10, 64)
	if err != nil { // not given: what is given was checked
		return int64(r.normal[name])
	}
	return n
}

func (r *request) may(id fleet.HostID) bool { return r.sees == nil || r.sees(id) }

// refusal is an error that the asker can do something about.
type refusal struct {
	code   int
	detail string
}

func (e *refusal) Error() string { return e.detail }

// wholeFleet refuses what sums up hosts that the visitor may not see.
func (r *request) wholeFleet() error {
	if r.sees != nil {
		return &refusal{http.StatusForbidden, "This is about the whole fleet, and your account is limited to hosts with certain tags."}
	}
	return nil
}

// read understands a request, or says what is wrong with it.
func (s *API) read(e *endpoint, in *http.Request) (*request, error) {
	r := &request{Request: in, values: map[string]string{}, normal: map[string]int{}}
	given := in.URL.Query()
	for _, p := range e.parameters {
		r.normal[p.name] = p.normal
		if p.in == "path" {
			r.values[p.name] = in.PathValue(p.name)
			if p.check(r.values[p.name]) != nil {
				return nil, fmt.Errorf("%s: %w", p.name, fs.ErrNotExist)
			}
			continue
		}
		values, ok := given[p.name]
		if !ok {
			continue
		}
		delete(given, p.name)
		if len(values) > 1 {
			return nil, &refusal{http.StatusBadRequest, fmt.Sprintf("parameter %s: given %d times", p.name, len(values))}
		}
		if err := p.check(values[0]); err != nil {
			return nil, &refusal{http.StatusBadRequest, "parameter " + p.name + ": " + err.Error()}
		}
		r.values[p.name] = values[0]
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		return nil, &refusal{http.StatusBadRequest, fmt.Sprintf("parameter %q: no such parameter", rows.Cell(name))}
	}
	var err error
	r.sees, err = s.sees(in.Context(), frame.Of(in))
	return r, err
}

// sees returns which hosts a visitor may see, nil for all.
func (s *API) sees(ctx context.Context, v frame.Visitor) (func(fleet.HostID) bool, error) {
	if len(v.Scope) == 0 {
		return nil, nil
	}
	within := map[fleet.HostID]bool{}
	for _, presence := range []fleet.Presence{"", fleet.Archived} { // archived hosts are asked for apart
		q := fleet.HostQuery{Scope: v.Scope, Presence: presence, Size: fleet.MaxPage}
		for seen := 0; ; q.Page++ {
			page, err := s.config.Lists.HostPage(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("hosts of a scope: %w", err)
			}
			for i := range page.Hosts {
				within[page.Hosts[i].ID] = true
			}
			if seen += len(page.Hosts); seen >= page.Total || len(page.Hosts) == 0 {
				break
			}
		}
	}
	return func(id fleet.HostID) bool { return within[id] }, nil
}

// handler answers for an endpoint.
func (s *API) handler(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, in *http.Request) {
		if e.stream != nil {
			if err := e.stream(w, in); err != nil {
				s.fail(w, in, err)
			}
			return
		}
		r, err := s.read(&e, in)
		if err != nil {
			s.fail(w, in, err)
			return
		}
		v, err := e.serve(r)
		if err != nil {
			s.fail(w, in, err)
			return
		}
		body, err := encode(v)
		if err != nil {
			s.fail(w, in, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the reader is gone if it fails
	}
}

// raw is JSON already.
type raw []byte

func encode(v any) ([]byte, error) {
	if b, ok := v.(raw); ok {
		return b, nil
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	return rows.Plain(b.Bytes()), nil
}

// fail answers a request that met err.
func (s *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		answer.Problem(w, refused.code, refused.detail)
	case errors.Is(err, fs.ErrNotExist):
		answer.Problem(w, http.StatusNotFound, "What the path names does not exist, or is not for you to see.")
	case errors.Is(err, context.Canceled):
		w.WriteHeader(http.StatusServiceUnavailable) // nobody reads it
	default:
		s.frame.Log().Error("the API could not answer", "path", r.URL.Path, "err", err)
		answer.Problem(w, http.StatusInternalServerError, "The answer could not be made; the collector's log says why.")
	}
}
