package rest

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/db"
	"seawall/collector/once"
	"seawall/collector/store"
	"seawall/collector/web/frame"
)

// asked is a request and what it is answered.
type asked struct {
	path, key, body string
	code            int
	want            string // in the answer
}

// A wish that is told again is not done again; a refusal leaves the key for the next, and
// what may have been done does not.
func TestOnce(t *testing.T) {
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	serve := func(r *Request) (any, error) {
		b, ok := r.Body.(*body)
		if !ok {
			return nil, errors.New("no body")
		}
		done++
		switch {
		case b.Name == "refused":
			return nil, Refuse(http.StatusConflict, "refused")
		case b.Name == "broken":
			return nil, errors.New("the store is away")
		}
		b.N = done
		return Created{"/api/v1/things/" + b.Name, *b}, nil
	}
	s := New(Config{Frame: f, Once: once.Open(data, time.Now)}, []Endpoint{
		{Method: http.MethodPost, Path: "/api/v1/things", ID: "make", Body: body{}, Answer: body{}, Serve: serve},
		{Method: http.MethodPost, Path: "/api/v1/secrets", ID: "secret", Body: body{}, Answer: body{}, Secret: true, Serve: serve},
		{Method: http.MethodPost, Path: "/api/v1/nothing", ID: "nothing", Serve: func(*Request) (any, error) { done++; return nil, nil }},
	})
	if n := strings.Count(string(s.document), `"name": "Idempotency-Key"`); n != 3 {
		t.Errorf("the document tells of the key at %d of 3 endpoints", n)
	}
	mux := http.NewServeMux()
	for _, r := range s.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	const a, b = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
	for i, q := range []asked{
		{"things", a, `{"name":"x"}`, 201, `"n":1`},
		{"things", a, `{"name":"x"}`, 201, `"n":1`},
		{"things", a, `{"name":"y"}`, 422, "another body"},
		{"things", a, `{"name":`, 400, "body"},
		{"things", "", `{"name":"x"}`, 201, `"n":2`},
		{"things", "short", `{"name":"x"}`, 400, "UUID"},
		{"things", a + "," + b, `{"name":"x"}`, 400, "given 2 times"},
		{"secrets", a, `{"name":"s3cret"}`, 201, `"n":3`},
		{"secrets", a, `{"name":"s3cret"}`, 409, "/api/v1/things/s3cret"},
		{"nothing", a, "", 204, ""},
		{"nothing", a, "", 204, ""},
		{"things", b, `{"name":"refused"}`, 409, "refused"},
		{"things", b, `{"name":"z"}`, 201, `"n":6`},
		{"secrets", b, `{"name":"broken"}`, 500, ""},
		{"secrets", b, `{"name":"broken"}`, 409, "cut off"},
		{"things", a, `{"name":"x"}`, 422, "another role or scope"}, // as somebody who sees some hosts, see below
		{"things", a, `{"name":"x"}`, 422, "another role or scope"}, // as an operator
		{"things", a, `{"name":"x"}`, 201, `"n":1`},
	} {
		in := httptest.NewRequest(http.MethodPost, "/api/v1/"+q.path, strings.NewReader(q.body))
		in.Header.Set("Content-Type", "application/json")
		for key := range strings.SplitSeq(q.key, ",") {
			if key != "" {
				in.Header.Add("Idempotency-Key", key)
			}
		}
		ann := frame.Visitor{User: "ann", Role: frame.Admin, Program: true, Session: "t"}
		switch i {
		case 15:
			ann.Scope = []string{"web"}
		case 16:
			ann.Role = frame.Operator
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, frame.With(in, ann))
		if w.Code != q.code || !strings.Contains(w.Body.String(), q.want) {
			t.Errorf("%d: %+v: %d %s", i, q, w.Code, w.Body)
		}
		if made := w.Code == http.StatusCreated; made != strings.HasPrefix(w.Header().Get("Location"), "/api/v1/things/") {
			t.Errorf("%d: %+v: Location %q", i, q, w.Header().Get("Location"))
		}
	}
	if done != 7 {
		t.Errorf("%d were done", done)
	}
	var kept int
	if err := data.Write(t.Context(), func(w db.Writer) error {
		_, err := w.Row("SELECT count(*) FROM once WHERE answer LIKE '%s3cret%' OR token <> 't'", nil, &kept)
		return err
	}); err != nil || kept > 0 {
		t.Errorf("%d secrets are kept, %v", kept, err)
	}
}
