// Package api is the dashboard's data for programs: JSON below /api/v1, and the
// document that describes it, OpenAPI 3.1, at /api/v1/openapi.json.
//
// Paths, parameters and types are one table ([API.Routes]): the document is made of it
// and of the Go types that are encoded, so neither can say what the other does not; a
// test holds every answer against the document with another's validator.
//
// Parameters are read strictly: one that is not known, is given twice or cannot be read
// is refused, so that a misspelt filter never selects more than was meant. Lists come in
// pages; "next" of one is the cursor of the one after it, and 0 or "" when there is
// none. What goes wrong is said as RFC 9457 has it, application/problem+json. Lists are
// never null. Text is a host's own and may be hostile: it is escaped as JSON, no further,
// but for characters that steer a terminal, which are \u escapes.
//
// A visitor whose account is limited to hosts with some tags gets no more than these:
// single hosts that are not among them are not found, lists leave them out, and what
// sums up the whole fleet is refused.
//
// GET /api/v1/export streams whatever package export can write. Each is in the audit
// trail before its first byte is sent.
package api
