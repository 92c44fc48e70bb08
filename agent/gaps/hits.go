package gaps

// maxKeys bounds the keys whose events are counted.
const maxKeys = 512

// Hits counts events by the key of the rule that reported them.
type Hits struct{ of map[string]*uint64 }

// Count counts one event.
func (h *Hits) Count(key []byte) {
	if len(key) == 0 {
		return
	}
	if n := h.of[string(key)]; n != nil {
		*n++
		return
	}
	if h.of == nil {
		h.of = map[string]*uint64{}
	}
	if len(h.of) < maxKeys {
		n := uint64(1)
		h.of[string(key)] = &n
	}
}

// Counts returns the counts.
func (h *Hits) Counts() map[string]uint64 {
	counts := make(map[string]uint64, len(h.of))
	for key, n := range h.of {
		counts[key] = *n
	}
	return counts
}
