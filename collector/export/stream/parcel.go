package stream

import (
	"bytes"
	"fmt"

	"seawall/collector/export/ecs"
	"seawall/collector/export/item"
	"seawall/collector/export/ocsf"
	"seawall/collector/export/order"
	"seawall/collector/export/otlp"
)

const (
	maxBody  = 1 << 20   // bytes of a parcel: the outbox's limit
	target   = 384 << 10 // bytes from which a parcel is full
	maxItems = 500       // of a parcel
)

// parcel is what goes out at once.
type parcel struct {
	body  []byte
	items int
}

// pack writes items as parcels, in order, and returns how many were too large for one.
func pack(format, version string, items []item.Item) (all []parcel, large int, err error) {
	var group []item.Item
	var lines bytes.Buffer
	size := 0
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		body := bytes.Clone(lines.Bytes())
		if format == order.OTLP { // one request has them all
			if body, err = otlp.Encode(version, group...); err != nil {
				return err
			}
			body = append(body, '\n')
		}
		all = append(all, parcel{body, len(group)})
		group, size = nil, 0
		lines.Reset()
		return nil
	}
	for i := range items {
		line, err := encode(format, version, items[i])
		if err != nil {
			return nil, 0, err
		}
		if len(line) >= maxBody {
			large++
			continue
		}
		if size+len(line) >= target || len(group) == maxItems {
			if err := flush(); err != nil {
				return nil, 0, err
			}
		}
		group, size = append(group, items[i]), size+len(line)+1
		lines.Write(line)
		lines.WriteByte('\n')
	}
	return all, large, flush()
}

func encode(format, version string, i item.Item) ([]byte, error) {
	switch format {
	case order.OCSF:
		return ocsf.Encode(version, i)
	case order.ECS:
		return ecs.Encode(version, i)
	case order.OTLP:
		return otlp.Encode(version, i)
	}
	return nil, fmt.Errorf("there is no format %q", format)
}

// mediaType is what a parcel of a format is.
func mediaType(format string) string {
	if format == order.OTLP {
		return "application/json"
	}
	return "application/x-ndjson"
}
