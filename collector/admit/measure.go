package admit

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/contact"
	"seawall/collector/fleet"
)

// Measure registers how many members there are, by standing.
func (m *Members) Measure(r prometheus.Registerer) {
	for _, standing := range []fleet.Standing{fleet.Active, fleet.Quarantined, fleet.Revoked} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "seawall", Name: "members", Help: "Hosts that were admitted, by standing.",
			ConstLabels: prometheus.Labels{"standing": string(standing)},
		}, func() float64 {
			n := 0
			for _, one := range m.Roster.All() {
				if one.Standing == standing {
					n++
				}
			}
			return float64(n)
		}))
	}
}

// KeepPin writes connection.json in the folder anew when the authority is another. Pins
// that were given before stay good.
func (m *Members) KeepPin(ctx context.Context, at contact.Contact, folder string) error {
	for {
		_, changed := m.Authority.Bundle()
		if pin := m.Authority.Pin().String(); pin != at.Pin {
			at.Pin = pin
			if err := at.Write(folder); err != nil {
				m.log.Error("the new pin is not written", "err", err)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
