// Package finding holds Seawall's vocabulary: what a check found on a host, who
// caused the change, and what a host says of itself.
//
// Five kinds of record travel from a host to the collector, in this order of
// importance:
//
//   - [Change]: one result that differs from the one before. The normal case.
//   - [StatePart]: a part of the host's whole state with its [Digest], sent at
//     start and from time to time, so that a collector that missed something
//     ends with the same state as the host.
//   - [Pack]: the static text of the checks (title, rationale, remediation), sent
//     once per start and not with each result.
//   - [Detection]: what a rule saw in the audit events, and who did it. Detections
//     travel in a lane of their own, so that neither they nor posture wait for the
//     other.
//   - [Heartbeat]: facts of the host and the agent's own counters.
//
// A result is identified by (check, resource); the host is not part of it, since
// the collector takes the host from the connection's key and from nothing else.
//
// The package knows neither how findings are made nor how they are stored or
// encoded; package wire is the only converter to bytes. All text in a finding
// may come from a hostile process on the host: it is valid UTF-8 of bounded
// length (see package text) and nothing more. Whoever prints it escapes it for
// the medium.
package finding
