package segment

// Position names a record of a lane for ever. The zero Position is before the
// first record.
type Position struct {
	Epoch uint64
	Seq   uint64
}

// Reason says why records are missing.
type Reason string

// The reasons.
const (
	Evicted Reason = "evicted" // the lane was full
	Damaged Reason = "damaged" // the disk does not hold what was written
)

// Gap is a range of records that are gone, both ends included. The zero Gap is
// none.
type Gap struct {
	From, To uint64
	Reason   Reason
}

// Records returns how many records are missing.
func (g Gap) Records() uint64 {
	if g.To == 0 {
		return 0
	}
	return g.To - g.From + 1
}

// Split says why the records from and to are missing, where those up to evicted
// made room for others: none, one or two gaps, in order.
func Split(from, to, evicted uint64) (gaps []Gap) {
	if from > to {
		return nil
	}
	if from <= evicted {
		gaps = append(gaps, Gap{From: from, To: min(to, evicted), Reason: Evicted})
	}
	if to > evicted {
		gaps = append(gaps, Gap{From: max(from, evicted+1), To: to, Reason: Damaged})
	}
	return gaps
}
