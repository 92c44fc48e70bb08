package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A program that asks for an enrolment token twice with one key gets one token, and is
// told where it is, not what it is.
func TestAskedAgain(t *testing.T) {
	a := assemble(t)
	for i, want := range []int{http.StatusCreated, http.StatusConflict} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.site.URL+"/api/v1/enrolment/tokens", strings.NewReader(`{"label":"lab"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+a.bearer)
		r.Header.Set("Idempotency-Key", "0b5f8f0e-7a0c-4a53-8a9b-2f4be8a6a2d1")
		answer, err := (&http.Client{}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		id := a.value("SELECT id FROM token WHERE label = 'lab'")
		if err != nil || answer.StatusCode != want || !strings.Contains(string(body), id) || a.value("SELECT count(*) FROM token WHERE label = 'lab'") != "1" {
			t.Errorf("request %d: %d %s, %v", i, answer.StatusCode, body, err)
		}
	}
}
