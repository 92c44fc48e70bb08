package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// Compare orders results by check and resource.
func Compare(a, b Result) int {
	if c := strings.Compare(a.Check, b.Check); c != 0 {
		return c
	}
	return strings.Compare(a.Resource, b.Resource)
}

// Digest is the fingerprint of a state: SHA-256 over the results in [Compare]
// order, of each its check, resource, status, severity, actual and expected,
// strings led by their length as a little-endian uint32. The rest is left out: two
// states with the same digest call for the same actions.
// The slice is not changed.
func Digest(results []Result) [32]byte {
	sorted := slices.Clone(results)
	slices.SortFunc(sorted, Compare)
	h := sha256.New()
	var n [4]byte
	text := func(s string) {
		binary.LittleEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	for i := range sorted {
		r := &sorted[i]
		text(r.Check)
		text(r.Resource)
		h.Write([]byte{byte(r.Status), byte(r.Severity)})
		text(r.Actual)
		text(r.Expected)
	}
	return [32]byte(h.Sum(nil))
}

// Same reports whether two results say the same: verdict, values, group and the
// places of their evidence. The evidence's text, the cause and both times may
// differ: a host that forgot since when something is so has nothing new to say.
func Same(a, b *Result) bool {
	return a.Status == b.Status && a.Severity == b.Severity && a.Actual == b.Actual && a.Expected == b.Expected && a.Group == b.Group &&
		slices.EqualFunc(a.Evidence, b.Evidence, func(x, y Evidence) bool { return x.File == y.File && x.Line == y.Line })
}
