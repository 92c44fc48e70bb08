package authority

import (
	"crypto/x509"
	"fmt"
	"slices"

	"seawall/collector/authority/signer"
	"seawall/pkg/trust"
)

// view is a state with all that follows from it. It does not change.
type view struct {
	state    state
	active   *signer.Signer
	bundle   trust.Bundle     // what hosts are to believe
	believed trust.Bundle     // what the collector believes of hosts
	signers  []*signer.Signer // of the authorities that are not distrusted, oldest first
	tail     [][]byte         // what follows the collector's certificate in its chain
}

// assemble makes the view of a state of what read returns as the authorities' keys.
// Those of distrusted authorities may be gone.
func assemble(s state, read func(id string) ([]byte, error)) (*view, error) {
	var signers []*signer.Signer
	for _, e := range s.Authorities {
		if e.Standing == distrusted {
			continue
		}
		data, err := read(e.ID)
		if err != nil {
			return nil, fmt.Errorf("authority %s: %w", e.ID, err)
		}
		one, err := signer.Decode(e.ID, data)
		if err != nil {
			return nil, fmt.Errorf("authority %s: %w", e.ID, err)
		}
		signers = append(signers, one)
	}
	return newView(s, signers)
}

// newView makes the view of a state. Signers are those of the authorities that are
// not distrusted, oldest first.
func newView(s state, signers []*signer.Signer) (*view, error) {
	v := &view{state: s, active: signers[len(signers)-1], signers: signers, bundle: trust.Bundle{Revision: s.Revision}}
	believed := make(map[string]*x509.Certificate)
	for _, one := range signers {
		believed[one.ID] = one.Cert
		v.believed.Authorities = append(v.believed.Authorities, one.Cert)
	}
	for _, e := range slices.Backward(s.Authorities) {
		if e.Standing == trusted {
			v.bundle.Authorities = append(v.bundle.Authorities, believed[e.ID])
		}
	}
	signers = signers[max(0, len(signers)-signer.Depth):]
	for i := len(signers) - 1; i > 0; i-- {
		c, err := signers[i-1].Vouch(signers[i])
		if err != nil {
			return nil, fmt.Errorf("vouch for authority %s: %w", signers[i].ID, err)
		}
		v.tail = append(v.tail, c.Raw)
	}
	// The oldest is for a host that has its pin and nothing else.
	v.tail = append(v.tail, signers[0].Cert.Raw)
	return v, nil
}
