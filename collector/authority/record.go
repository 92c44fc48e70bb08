package authority

import (
	"bytes"
	"context"
	"encoding/json"

	"seawall/collector/authority/signer"
)

// vault is where the state and the keys are.
type vault interface {
	// load returns the newest state, known itself when that is it. Known may be nil.
	load(ctx context.Context, known *view) (*view, error)
	// change makes durable what next makes of the newest state: another one and the
	// authority that it lists newly, or nil. It may call next twice. Where next returns
	// the state as it was, nothing changes.
	change(ctx context.Context, known *view, next func(state) (state, *signer.Signer, error)) (*view, error)
}

// encode returns the state as it is kept.
func (s state) encode() ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// decodeState reads what encode made.
func decodeState(data []byte) (s state, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, err
	}
	return s, s.check()
}
