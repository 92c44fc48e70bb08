// Package answer writes answers whose body is complete before the first byte is
// sent, so that a body that cannot be made is an error and not half a page.
//
// What a host sent may have no words in JSON: package plain is for that.
package answer

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
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
