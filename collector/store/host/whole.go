package host

import (
	"seawall/collector/fleet"
	"seawall/collector/store/host/info"
	"seawall/collector/store/host/part"
)

// part keeps a part of a whole state, and applies the state when it is complete.
func (h *Host) part(d *fleet.Delivery, body []byte) error {
	lane := part.Lane{Writer: h.Writer, Host: h.key, Name: d.Lane, Results: h.limits.Results}
	o, err := lane.Take(d.Record.State, body)
	switch {
	case err != nil:
		return err
	case o.Refused != "":
		return h.reject(d, o.Refused)
	case o.Complete:
		return h.replace(d, d.Record.State, o.Results)
	}
	return nil
}

// texts keeps the static text of checks.
func (h *Host) texts(d *fleet.Delivery) error {
	refused, err := info.Take(h.Writer, h.key, d.Record.Pack)
	switch {
	case err != nil:
		return err
	case refused != "":
		return h.reject(d, refused)
	}
	h.pack = d.Record.Pack.Digest[:]
	return nil
}
