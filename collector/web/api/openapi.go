package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
)

// m is an object of the document.
type m = map[string]any

// document returns the OpenAPI document of the endpoints.
func document(all []endpoint, version string) []byte {
	types := &schemas{made: m{}}
	problem := types.of(reflect.TypeOf(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{}))
	paths := m{}
	for i := range all {
		paths[all[i].path] = m{"get": operation(&all[i], types)}
	}
	types.made["Problem"] = problem
	if version == "" {
		version = "unknown"
	}
	doc := m{
		"openapi": "3.1.0",
		"info": m{"title": "Seawall collector", "version": version,
			"description": "What Seawall's hosts told, as JSON. Text in answers was written by hosts and may be hostile: escape it for where you show it."},
		"servers":  []any{m{"url": "/"}},
		"security": []any{m{"session": []any{}}, m{"token": []any{}}},
		"paths":    paths,
		"components": m{"schemas": types.made,
			"securitySchemes": m{"session": m{"type": "apiKey", "in": "cookie", "name": "seawall-session", "description": "Of who signed in; over https its name begins with __Host-."},
				"token": m{"type": "http", "scheme": "bearer", "description": "An API token."}},
			"responses": m{"Problem": m{"description": "What went wrong (RFC 9457).",
				"content": m{"application/problem+json": m{"schema": m{"$ref": "#/components/schemas/Problem"}}}}}},
	}
	out, err := json.MarshalIndent(doc, "", " ")
	if err != nil { // maps of text: cannot be
		return nil
	}
	return append(out, '\n')
}

func operation(e *endpoint, types *schemas) m {
	parameters := []any{}
	for i := range e.parameters {
		parameters = append(parameters, e.parameters[i].described())
	}
	text := m{"schema": m{"type": "string"}}
	ok := m{"description": "A file. One that could not be finished ends with a broken connection.", "content": m{"application/jsonl": text, "text/csv": text}}
	if e.answer != nil {
		ok = m{"description": e.summary, "content": m{"application/json": m{"schema": types.of(reflect.TypeOf(e.answer))}}}
	}
	answers := m{"200": ok}
	for _, code := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests, http.StatusInternalServerError} {
		answers[strconv.Itoa(code)] = m{"$ref": "#/components/responses/Problem"}
	}
	return m{"operationId": e.id, "summary": e.summary, "parameters": parameters, "responses": answers}
}

// described is the parameter as the document has it.
func (p *parameter) described() m {
	s := m{"type": "string"}
	switch p.kind {
	case word:
		s["maxLength"] = maxText
		if len(p.of) > 0 {
			s["enum"] = p.of
		}
	case hostID:
		s["pattern"] = "^[0-9a-f]{32}$"
	case severity:
		s["enum"] = severities()
	case number, cursor:
		s = m{"type": "integer", "minimum": 1}
		if p.most > 0 {
			s["maximum"], s["default"] = p.most, p.normal
		}
	}
	out := m{"name": p.name, "in": "query", "description": p.about, "schema": s}
	if p.in == "path" {
		out["in"], out["required"] = "path", true
	}
	return out
}
