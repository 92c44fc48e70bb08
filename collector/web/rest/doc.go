// Package rest is the machinery of the dashboard's API for programs: JSON below
// /api/v1, and the document that describes it, OpenAPI 3.1, at /api/v1/openapi.json.
//
// Paths, parameters, bodies and types are one table of [Endpoint]: the routes and the
// document are made of it and of the Go types that are encoded, so neither can say what
// the other does not; a test holds every answer against the document with another's
// validator.
//
// Parameters are read strictly: one that is not known, is given twice or cannot be read
// is refused, so that a misspelt filter never selects more than was meant. So are
// bodies: one JSON value of at most 64 KiB, without fields that are not known. What goes
// wrong is said as RFC 9457 has it, application/problem+json.
//
// A change takes an API token, never a session's cookie: what a browser sends by itself
// changes nothing here, so there is nothing to forge.
//
// A visitor whose account is limited to hosts with some tags gets no more than these:
// [Request.May] says whether a host is among them, and an endpoint that sums up the
// whole fleet refuses by [Request.WholeFleet].
package rest
