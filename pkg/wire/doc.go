// Package wire is the only converter between findings and their bytes.
//
// The bytes are a protocol buffer, message Record of
// proto/seawall/v1/finding.proto. The sensor encodes a record once; the spool
// and the uplink carry the same bytes without looking inside; the collector
// decodes them once.
//
// The code is written by hand over protowire and not generated: the sensor links
// this package, and the generated one brings gRPC with it. One table per message
// (see fields.go) serves both directions, so they cannot drift apart; a test
// holds both against the generated code.
//
// # Limits
//
// [Decode] takes bytes from hosts that may be hostile. It allocates nothing by a
// length that it has not checked, and a record that it accepts satisfies:
//
//   - at most [MaxRecord] bytes, exactly one body;
//   - every text is valid UTF-8 of at most text.Limit bytes, ids of checks are
//     1 to 64 of a-z, 0-9 and "-", groups of results at most finding.MaxGroup bytes;
//   - lists are bounded: 64 evidences of a result, 1024 results of a state part,
//     512 checks of a pack, 32 references of a check, 64 tags of a host;
//   - a detection has an id of 1 to 32 hexadecimal digits, a rule of 1 to 64 bytes, a
//     count of at least 1, 8 samples of 16 processes and 16 records each, 16 techniques
//     of 64 bytes, 16 false positives of 512 and 16 values of its group of
//     finding.MaxGroup;
//   - enumerations are known, floats finite, times zero or from 1970 to 2200;
//   - a state part is one of at most 1024, and its digest has 32 bytes.
//
// Fields with unknown numbers are skipped, so that a newer host can talk to an
// older collector; unknown values of known fields are refused. [Encode] holds
// itself to the same limits: what it returns, Decode accepts. What it
// shortens by itself is a result's evidence and a detection's lists, since neither may
// be lost for the length of its proof.
//
// The zero time is encoded as 0, and so is 1970-01-01T00:00:00Z; both are decoded
// as the zero time. Empty and nil lists are the same.
package wire
