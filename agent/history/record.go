package history

import (
	"encoding/hex"
	"fmt"
	"time"

	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// The lanes that the sensor writes: results, what was detected, and heartbeats.
const (
	Posture    = "posture"
	Detections = "detections"
	Health     = "health"
)

// Record is a record of the spool as JSON has it: who it is, and what is in it.
type Record struct {
	Lane      string             `json:"lane"`
	Epoch     string             `json:"epoch"` // 16 hex digits: more than JSON's numbers hold
	Sequence  uint64             `json:"sequence"`
	Time      time.Time          `json:"time"`
	Change    *finding.Change    `json:"change,omitempty"`
	State     *finding.StatePart `json:"state,omitempty"`
	Heartbeat *finding.Heartbeat `json:"heartbeat,omitempty"`
	Pack      *finding.Pack      `json:"pack,omitempty"`
	Detection *finding.Detection `json:"detection,omitempty"`
	Error     string             `json:"error,omitempty"`
	Payload   string             `json:"payload,omitempty"` // in hexadecimal, where it cannot be decoded
}

// NewRecord decodes a record. What cannot be decoded is in it with the reason.
func NewRecord(lane string, pos spool.Position, payload []byte) Record {
	r := Record{Lane: lane, Epoch: fmt.Sprintf("%016x", pos.Epoch), Sequence: pos.Seq}
	w, err := wire.Decode(payload)
	if err != nil {
		r.Error, r.Payload = err.Error(), hex.EncodeToString(payload)
		return r
	}
	r.Time, r.Change, r.State, r.Heartbeat, r.Pack, r.Detection = w.Time, w.Change, w.State, w.Heartbeat, w.Pack, w.Detection
	return r
}
