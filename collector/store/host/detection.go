package host

import "seawall/collector/fleet"

// detection keeps a report of a storm.
func (h *Host) detection(d *fleet.Delivery, body []byte) error {
	o, err := h.storms.Keep(h.key, d.Record.Detection, body)
	if err != nil {
		return err
	}
	h.changed = h.changed || o.Changed
	if o.New {
		h.Fleet.Detection()
	}
	if o.Dropped > 0 {
		h.limits.Log.Warn("more detections than a host may have, the least severe are dropped", "host", h.id, "dropped", o.Dropped)
	}
	return nil
}
