// Package api is the dashboard's data for programs: paths below /api/v1, with package
// rest's machinery. What people decide about it is package decide's.
//
// Lists come in pages; "next" of one is the cursor of the one after it, and 0 or "" when
// there is none. Lists are never null. Text is a host's own and may be hostile: it is
// escaped as JSON, no further, but for characters that steer a terminal, which are \u
// escapes.
//
// A visitor whose account is limited to hosts with some tags gets no more than these:
// single hosts that are not among them are not found, lists leave them out, and what
// sums up the whole fleet is refused.
//
// GET /api/v1/export streams whatever package export can write. Each is in the audit
// trail before its first byte is sent.
package api
