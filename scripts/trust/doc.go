// Package trust tests enrolment and certificates with both sides as they are: the
// collector's store, authority, roster, enrolment and ingest on one side, the host's
// spool, identity, enrolment and uplink on the other, real TLS between them, and one
// clock for both, which the tests set. It has tests only.
package trust
