package host

import (
	"testing"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// How often a result was good again is counted once for each time, whichever way the
// host tells of it, and is gone with the result.
func TestLife(t *testing.T) {
	w := open(t)
	r := result("ssh-root", "", finding.StatusFail)
	life := "SELECT check_id || ' ' || times || ' ' || (resolved > 0) FROM life"
	seq := uint64(0)
	turn := func(s finding.Status) {
		seq++
		was := r.Status
		r.Status = s
		w.take([]fleet.Delivery{change(seq, r, was)})
	}
	w.take([]fleet.Delivery{change(1, r, 0)})
	seq = 1
	w.expect("bad for the first time", w.rows(life), nil)
	turn(finding.StatusUnknown)
	w.expect("bad in another way", w.rows(life), nil)
	turn(finding.StatusPass)
	w.expect("good", w.rows(life), []string{"ssh-root 1 1"})
	turn(finding.StatusFail)
	turn(finding.StatusWaived)
	w.expect("waived by the host itself", w.rows(life), []string{"ssh-root 1 1"})
	turn(finding.StatusFail)
	w.take(whole(10, 1, result("ssh-root", "", finding.StatusPass), result("ssh-other", "", finding.StatusFail)))
	w.expect("good in a whole state", w.rows(life), []string{"ssh-root 2 1"})
	w.take(whole(20, 2, result("ssh-other", "", finding.StatusPass)))
	w.expect("gone", w.rows(life), []string{"ssh-other 1 1"})
	w.take([]fleet.Delivery{removed(30, result("ssh-other", "", finding.StatusPass))})
	w.expect("removed", w.rows(life), nil)
}
