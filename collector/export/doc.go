// Package export writes what the collector knows for other programs: hosts, standing
// findings, changes and detections, as CSV, JSON lines, OCSF, ECS or OpenTelemetry logs.
//
// A [Query] says what, in which format and which of it; [Parse] reads one from the
// parameters of an address, strictly, so that a misspelt filter never exports more than
// was meant. [Write] walks the store a host or a page at a time and keeps no list of
// results: what it holds does not grow with what it writes, but for one line per host.
// It ends at the first error, and what it has written then is not whole: whoever serves
// it must let the reader see that.
//
// Findings are read host by host, each at one moment; changes and detections from the
// newest to the oldest. What arrives meanwhile may be in it or not.
package export
