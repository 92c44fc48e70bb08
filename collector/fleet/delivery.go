package fleet

import (
	"errors"

	"seawall/pkg/finding"
)

// ErrFull is returned for a host that is not known when there are already as many
// hosts as the collector takes.
var ErrFull = errors.New("the collector takes no more hosts")

// ErrUnknown is returned for a host that is no member.
var ErrUnknown = errors.New("the host is not enrolled")

// Delivery is one record of a host's spool as ingest hands it to the store.
type Delivery struct {
	Lane     string
	Epoch    uint64
	Sequence uint64
	Record   finding.Record
	// Payload is the encoding that Record was decoded from, where it is at hand, so
	// that it need not be encoded again. It must not change any more.
	Payload []byte
	// Reject says why the payload could not be decoded; Record is then empty. The
	// store keeps a row of it, since a record may not vanish unseen.
	Reject string
	Size   int    // bytes of the payload
	Digest uint64 // see Position
}
