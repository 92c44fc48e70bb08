package rest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"seawall/collector/once"
)

// m is an object of the document.
type m = map[string]any

// document returns the OpenAPI document of the endpoints.
func document(all []Endpoint, version string) []byte {
	types := &schemas{made: m{}}
	problem := types.of(reflect.TypeOf(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{}))
	paths := m{}
	for i := range all {
		methods, ok := paths[all[i].Path].(m)
		if !ok {
			methods = m{}
			paths[all[i].Path] = methods
		}
		methods[strings.ToLower(all[i].Method)] = operation(&all[i], types)
	}
	types.made["Problem"] = problem
	if version == "" {
		version = "unknown"
	}
	doc := m{
		"openapi": "3.1.0",
		"info": m{"title": "Seawall collector", "version": version,
			"description": "What Seawall's hosts told, as JSON, and what people decide about it. Text in answers was written by hosts and may be hostile: escape it for where you show it. Changes take an API token."},
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

func operation(e *Endpoint, types *schemas) m {
	parameters := []any{}
	for i := range e.Parameters {
		parameters = append(parameters, e.Parameters[i].described())
	}
	answers := m{}
	failures := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests, http.StatusInternalServerError}
	op := m{"operationId": e.ID, "summary": e.Summary, "parameters": parameters, "responses": answers, "description": "Takes the role " + e.Role.String() + "."}
	if e.Method != http.MethodGet {
		op["security"] = []any{m{"token": []any{}}}
		failures = append(failures, http.StatusConflict, http.StatusUnprocessableEntity)
	}
	if e.Method == http.MethodPost {
		op["parameters"] = append(parameters, key())
	}
	if e.Body != nil {
		failures = append(failures, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
		op["requestBody"] = m{"required": true, "content": m{"application/json": m{"schema": types.of(reflect.TypeOf(e.Body))}}}
	}
	switch {
	case e.Stream != nil:
		text := m{}
		for _, kind := range e.Streams {
			text[kind] = m{"schema": m{"type": "string"}}
		}
		answers["200"] = m{"description": "A file. One that could not be finished ends with a broken connection.", "content": text}
	case e.Answer == nil:
		answers["204"] = m{"description": "Done."}
	default:
		ok := m{"description": e.Summary, "content": m{"application/json": m{"schema": types.of(reflect.TypeOf(e.Answer))}}}
		answers["200"] = ok
		if e.Method == http.MethodPost {
			answers["201"] = m{"description": "Made, at the path that Location names.", "headers": m{"Location": m{"schema": m{"type": "string"}}}, "content": ok["content"]}
		}
	}
	for _, code := range failures {
		answers[strconv.Itoa(code)] = m{"$ref": "#/components/responses/Problem"}
	}
	return op
}

// schema is that of the parameter's value.
func (p *Parameter) schema() m {
	s := m{"type": "string"}
	switch p.Kind {
	case Word:
		s["maxLength"] = cmp.Or(p.Most, maxText)
		if len(p.Of) > 0 {
			s["enum"] = p.Of
		}
	case HostID:
		s["pattern"] = "^[0-9a-f]{32}$"
	case Severity:
		s["enum"] = severities()
	case Status:
		s["enum"] = statuses()
	case Flag:
		s = m{"type": "boolean"}
	case Moment:
		s["format"] = "date-time"
	case Number, Cursor:
		s = m{"type": "integer", "minimum": 1}
		if p.Most > 0 {
			s["maximum"] = p.Most
		}
		if p.Normal > 0 {
			s["default"] = p.Normal
		}
	}
	return s
}

// key is the header with which a wish is done once.
func key() m {
	return m{"name": keyHeader, "in": "header", "schema": m{"type": "string", "minLength": once.Least, "maxLength": once.Longest, "pattern": "^[!-~]+$"},
		"description": "A text of your own, such as a new UUID: asked again with it and the same body within 24 hours, the first answer comes again and nothing is made twice. " +
			"Another body, or another role or scope of the token: 422. No answer yet, or one with a secret: 409."}
}

// described is the parameter as the document has it.
func (p *Parameter) described() m {
	out := m{"name": p.Name, "in": "query", "description": p.About, "schema": p.schema()}
	if p.InPath {
		out["in"] = "path"
	}
	if p.InPath || p.Needed {
		out["required"] = true
	}
	return out
}
