package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

type body struct {
	Name string `json:"name"`
	N    int    `json:"n,omitempty"`
}

// site is a server of two endpoints: one tells how it read its parameters, the other
// gives its body back.
func site(t *testing.T) func(v frame.Visitor, method, address, kind, text string) (int, string, http.Header) {
	t.Helper()
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	hosts := func(_ context.Context, q fleet.HostQuery) (fleet.HostPage, error) { // two pages of one host each
		switch {
		case q.Scope[0] == "broken":
			return fleet.HostPage{}, errors.New("the store is away")
		case q.After == "":
			return fleet.HostPage{Hosts: []fleet.Host{{ID: host(1)}}, Total: 2}, nil
		case q.After == host(1):
			return fleet.HostPage{Hosts: []fleet.Host{{ID: host(2)}}, Total: 1}, nil
		}
		return fleet.HostPage{}, nil
	}
	s := New(Config{Frame: f, Hosts: hosts}, []Endpoint{
		{Path: "/api/v1/read", ID: "read", Answer: map[string]any{}, Parameters: []Parameter{
			{Name: "host", Kind: HostID}, {Name: "severity", Kind: Severity}, {Name: "status", Kind: Status}, {Name: "n", Kind: Number, Most: 9, Normal: 4},
			{Name: "before", Kind: Cursor}, {Name: "yes", Kind: Flag}, {Name: "since", Kind: Moment}, {Name: "word", Of: []string{"a", "b"}}, {Name: "short", Most: 3}},
			Serve: func(r *Request) (any, error) {
				if id := r.Host("host"); id != "" {
					if err := r.May(id); err != nil {
						return nil, err
					}
				}
				return map[string]any{"severity": r.Severity("severity"), "status": r.Status("status"), "n": r.Number("n"), "before": r.Number("before"), "yes": r.Is("yes"),
					"since": r.Moment("since"), "word": r.Text("word"), "who": r.Who()}, r.WholeFleet()
			}},
		{Method: http.MethodPut, Path: "/api/v1/write/{id}", ID: "write", Parameters: []Parameter{{Name: "id", InPath: true, Kind: Number}, {Name: "really", Needed: true, Kind: Flag}},
			Body: body{}, Answer: body{}, Serve: func(r *Request) (any, error) {
				b := r.Body.(*body)
				if b.Name == "new" {
					return Created{"/api/v1/write/7", *b}, nil
				}
				return *b, nil
			}},
		{Method: http.MethodDelete, Path: "/api/v1/write/{id}", ID: "delete", Serve: func(*Request) (any, error) { return nil, nil }, Parameters: []Parameter{{Name: "id", InPath: true, Kind: Number}}},
	})
	mux := http.NewServeMux()
	for _, r := range s.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	return func(v frame.Visitor, method, address, kind, text string) (int, string, http.Header) {
		r := httptest.NewRequest(method, address, strings.NewReader(text))
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, frame.With(r, v))
		return w.Code, w.Body.String(), w.Header()
	}
}

func host(n int) fleet.HostID { return fleet.HostID(strings.Repeat("0", 31) + string(rune('0'+n))) }

// TestParameters: what is given is read, what is wrong is refused with its name.
func TestParameters(t *testing.T) {
	ask := site(t)
	ann := frame.Visitor{User: "ann", Role: frame.Viewer}
	code, text, _ := ask(ann, "GET", "/api/v1/read?severity=high&status=fail&before=12&yes=true&since=2027-03-31T14:00:00%2B02:00&word=b&host="+string(host(9)), "", "")
	var got struct {
		Severity  finding.Severity
		Status    finding.Status
		N, Before int
		Yes       bool
		Since     time.Time
		Word, Who string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 {
		t.Fatal(code, text, err)
	}
	if got.Severity != finding.SeverityHigh || got.Status != finding.StatusFail || got.N != 4 || got.Before != 12 || !got.Yes || got.Word != "b" || got.Who != "ann" ||
		!got.Since.Equal(time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", got)
	}
	for query, want := range map[string]string{
		"severity=grave": "parameter severity:", "status=odd": "parameter status:", "n=10": "no number from 1 to 9", "n=x": "no number from 1 to 9", "before=0": "no number above 0",
		"yes=1": "neither true nor false", "since=today": "no time such as", "word=c": "is none of a, b", "short=abcd": "longer than 3 bytes", "host=x": "no host's id",
		"nope=1": "no such parameter", "n=1&n=2": "given 2 times",
	} {
		if code, text, _ := ask(ann, "GET", "/api/v1/read?"+query, "", ""); code != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", query, code, text)
		}
	}
}

// TestScope: who has a scope sees hosts of all its pages, and no sum over the fleet; where
// the scope cannot be read there is no answer.
func TestScope(t *testing.T) {
	ask := site(t)
	for _, c := range []struct {
		scope string
		host  fleet.HostID
		code  int
	}{{"mine", host(2), 403}, {"mine", host(3), 404}, {"broken", host(2), 500}} {
		v := frame.Visitor{User: "bob", Role: frame.Viewer, Scope: []string{c.scope}}
		if code, text, _ := ask(v, "GET", "/api/v1/read?host="+string(c.host), "", ""); code != c.code {
			t.Errorf("%+v: %d %s", c, code, text)
		}
	}
}

// TestBodies: a change takes a program, and one JSON value of known fields.
func TestBodies(t *testing.T) {
	ask := site(t)
	program := frame.Visitor{User: "ann", Role: frame.Admin, Program: true, Session: "t1"}
	const path, good = "/api/v1/write/1?really=true", "application/json; charset=utf-8"
	for name, c := range map[string]struct {
		v                frame.Visitor
		path, kind, text string
		code             int
	}{
		"good":       {program, path, good, `{"name":"x"}`, 200},
		"new":        {program, path, good, `{"name":"new"}`, 201},
		"a session":  {frame.Visitor{User: "ann", Role: frame.Admin}, path, good, `{"name":"x"}`, 403},
		"a form":     {program, path, "application/x-www-form-urlencoded", "name=x", 415},
		"no kind":    {program, path, "", `{"name":"x"}`, 415},
		"a field":    {program, path, good, `{"name":"x","more":1}`, 400},
		"two values": {program, path, good, `{"name":"x"}{}`, 400},
		"a type":     {program, path, good, `{"name":5}`, 400},
		"nothing":    {program, path, good, ``, 400},
		"large":      {program, path, good, `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413},
		"not needed": {program, "/api/v1/write/1", good, `{"name":"x"}`, 400},
		"a path":     {program, "/api/v1/write/x?really=true", good, `{"name":"x"}`, 404},
	} {
		code, text, header := ask(c.v, "PUT", c.path, c.kind, c.text)
		if code != c.code {
			t.Errorf("%s: %d %s, want %d", name, code, text, c.code)
		}
		if at := header.Get("Location"); (at != "") != (code == 201) {
			t.Errorf("%s: Location %q", name, at)
		}
		if code >= 400 && header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", name, header)
		}
	}
	if code, text, _ := ask(program, "DELETE", "/api/v1/write/1", "", ""); code != 204 || text != "" {
		t.Errorf("deleted: %d %q", code, text)
	}
	if got := Who(program); got != "token t1 of ann" {
		t.Errorf("who: %s", got)
	}
}
