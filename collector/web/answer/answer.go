// Package answer writes answers whose body is complete before the first byte is
// sent, so that a body that cannot be made is an error and not half a page.
//
// JSON has no words for some of what a host may send: a load that is not a
// number, a year beyond 9999. One such value would fail the whole answer, for all
// hosts; the Plain functions replace them, in place, before encoding.
package answer

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"slices"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Text answers with a line of text.
func Text(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body) // the reader is gone if it fails
}

// HTML answers with a page or a part of one.
func HTML(w http.ResponseWriter, code int, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(body) // the reader is gone if it fails
}

// JSON answers with v, encoded before anything is sent.
func JSON(w http.ResponseWriter, code int, v any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		http.Error(w, `{"error":"the answer could not be encoded"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the reader is gone if it fails
}

// Problem answers a program with what went wrong, as RFC 9457 has it.
func Problem(w http.ResponseWriter, code int, detail string) {
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(code), code, detail})
	if err != nil { // text and a number: cannot be
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // the reader is gone if it fails
}

// List returns rows, never nil: a list is [] in JSON, not null.
func List[T any](rows []T) []T {
	if rows == nil {
		return []T{}
	}
	return rows
}

// PlainHost replaces what JSON cannot say of a host by its zero.
func PlainHost(h *fleet.Host) {
	for _, f := range []*float64{&h.Labels.Load1, &h.Labels.Load5, &h.Labels.Load15, &h.Agent.CPUSeconds} {
		if math.IsNaN(*f) || math.IsInf(*f, 0) {
			*f = 0
		}
	}
	plainTime(&h.Labels.BootTime)
	plainTime(&h.FirstSeen)
	plainTime(&h.LastSeen)
	if h.Member == nil {
		return
	}
	m := *h.Member // it may be another's, too
	for _, t := range []*time.Time{&m.Since, &m.Enrolled, &m.Expires, &m.Recovered, &m.Archived} {
		plainTime(t)
	}
	h.Member = &m
}

// PlainRequests does the same for hosts that wait.
func PlainRequests(requests []fleet.Request) {
	for i := range requests {
		plainTime(&requests[i].Asked)
		plainTime(&requests[i].Again)
	}
}

// PlainStates does the same for results.
func PlainStates(states []fleet.State) {
	for i := range states {
		plainResult(&states[i].Result)
		plainTime(&states[i].Since)
	}
}

// PlainEvents does the same for events.
func PlainEvents(events []fleet.Event) {
	for i := range events {
		plainResult(&events[i].Change.Result)
		plainTime(&events[i].Received)
	}
}

// PlainDetections does the same for detections, and makes lists of those that are nil.
func PlainDetections(all []fleet.Detection) {
	for i := range all {
		plainTime(&all[i].Received)
		d := &all[i].Detection
		plainTime(&d.First)
		plainTime(&d.Last)
		d.Techniques, d.FalsePositives, d.Group = List(d.Techniques), List(d.FalsePositives), List(d.Group)
		d.Samples = List(slices.Clone(d.Samples)) // not the source's own
		for k := range d.Samples {
			s := &d.Samples[k]
			plainTime(&s.Time)
			s.Ancestry, s.Records = List(s.Ancestry), List(s.Records)
		}
	}
}

func plainResult(r *finding.Result) {
	plainTime(&r.Time)
	plainTime(&r.Since)
	if r.Cause == nil {
		return
	}
	if c := *r.Cause; c.Time.Year() < 0 || c.Time.Year() > 9999 {
		plainTime(&c.Time)
		r.Cause = &c // not the source's own
	}
}

func plainTime(t *time.Time) {
	if y := t.Year(); y < 0 || y > 9999 {
		*t = time.Time{}
	}
}
