package roster

import (
	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// A session number holds, from the top: its generation, the try of the number
// that it follows, and its own try, 16 bits each of the tries; see the package's
// documentation.
const (
	tryBits = 16
	lastTry = 1<<tryBits - 1
	// highest bounds what a host may present, so that generations never overflow a
	// signed integer of 64 bits. No host gets there in its life.
	highest = 1 << 62
)

// follow returns the first number that follows one.
func follow(number uint64) uint64 {
	return (number>>(2*tryBits)+1)<<(2*tryBits) | number&lastTry<<tryBits
}

// next returns the number to give to a host that presents one, and false when two
// places use the host's key. newest is the number given last.
func next(newest uint64, confirmed bool, presented uint64) (number uint64, ok bool) {
	switch {
	case presented >= highest:
		return 0, false
	case presented >= newest:
		return follow(presented), true
	case confirmed || follow(presented) != newest&^lastTry:
		return 0, false
	case newest&lastTry == lastTry:
		return newest, true // 65,536 replies were lost in a row
	}
	return newest + 1, true
}

// Release makes a quarantined member active again; it is for [Roster.Change]. The
// first that comes with the host's key goes on, whatever number it presents, and
// another is noticed as before.
func Release(m *fleet.Member) error {
	switch m.Standing {
	case fleet.Active:
		return nil
	case fleet.Quarantined:
		m.Standing, m.Reason = fleet.Active, ""
		m.Session, m.Confirmed = 0, true
		return nil
	default:
		return refuse(seawallv1.Reason_REASON_HOST_REVOKED)
	}
}
