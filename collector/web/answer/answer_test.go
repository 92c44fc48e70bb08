package answer

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"testing"
)

func TestJSON(t *testing.T) {
	w := httptest.NewRecorder()
	JSON(w, 201, map[string]any{"list": []int{}, "text": "</script>"})
	if w.Code != 201 || w.Body.String() != `{"list":[],"text":"\u003c/script\u003e"}`+"\n" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	w = httptest.NewRecorder()
	JSON(w, 200, math.NaN())
	if w.Code != 500 {
		t.Errorf("what JSON cannot say is answered with %d", w.Code)
	}
}

// TestProblem says what went wrong as RFC 9457 has it, whatever words it has.
func TestProblem(t *testing.T) {
	w := httptest.NewRecorder()
	Problem(w, 404, "no such \"host\" <b>\u2028")
	var got struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if w.Code != 404 || got.Status != 404 || got.Type != "about:blank" || got.Title != "Not Found" || got.Detail != "no such \"host\" <b>\u2028" ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %+v", w.Code, w.Header(), got)
	}
}
