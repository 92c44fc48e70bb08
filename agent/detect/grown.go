package detect

import "seawall/pkg/finding"

// Grown returns the detections that count more than was reported, as they are now: what
// would be lost if nothing were reported any more.
func (d *Detector) Grown() (list []finding.Detection) {
	for element := d.open.order.Front(); element != nil; element = element.Next() {
		if s := element.Value.(*storm); s.d.Count > s.reported {
			list = append(list, clone(&s.d))
		}
	}
	return list
}
