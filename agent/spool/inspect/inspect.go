// Package inspect reads a whole spool, in use or not, and says what it holds and
// what is damaged. It changes nothing and takes no lock.
package inspect

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/segment"
)

// Report is what Verify found.
type Report struct {
	Lanes []LaneReport
}

// Good reports whether nothing is damaged.
func (r Report) Good() bool {
	for _, l := range r.Lanes {
		if len(l.Problems) > 0 {
			return false
		}
	}
	return true
}

// LaneReport is one lane as Verify found it.
type LaneReport struct {
	Lane     string
	Durable  segment.Position // zero when the watermark is damaged
	Evicted  uint64           // newest sequence that made room for others
	Aside    []string         // what had the name of a file of the spool and was none
	Segments []SegmentReport
	Records  int
	Problems []string // one line each, in the order of the lane
}

// SegmentReport is one segment as Verify found it.
type SegmentReport struct {
	Name    string
	Epoch   uint64
	First   uint64 // by name
	Last    uint64 // of the last good record, 0 when there is none
	Records int
	Bytes   int64
	Created time.Time
	Damaged int64 // bytes that belong to no good record
}

// Verify reads a whole spool, that may be in use, and reports what it holds and
// what is damaged. It is an error only when the spool cannot be read.
func Verify(dir string) (Report, error) {
	var rep Report
	lanes, err := folder.Lanes(dir)
	if err != nil {
		return rep, err
	}
	for _, name := range lanes {
		lr := LaneReport{Lane: name}
		err := walk(dir, name, &lr, func(segment.Position, []byte) error { return nil })
		if err != nil {
			return rep, fmt.Errorf("verify spool: lane %s: %w", name, err)
		}
		rep.Lanes = append(rep.Lanes, lr)
	}
	return rep, nil
}

// Record is a record as Walk found it.
type Record struct {
	segment.Position
	Payload []byte
	Gaps    []segment.Gap // missing right before it
}

// Walk calls fn for each good record of a lane, durable or not, until fn fails.
// A record that its writer wrote twice is given twice.
func Walk(dir, lane string, fn func(Record) error) error {
	lr := &LaneReport{Lane: lane}
	var last uint64
	err := walk(dir, lane, lr, func(pos segment.Position, payload []byte) error {
		rec := Record{Position: pos, Payload: payload}
		if pos.Seq > last {
			rec.Gaps = segment.Split(last+1, pos.Seq-1, lr.Evicted)
			last = pos.Seq
		}
		return fn(rec)
	})
	if err != nil {
		return fmt.Errorf("walk spool: lane %s: %w", lane, err)
	}
	return nil
}

func walk(dir, lane string, lr *LaneReport, fn func(segment.Position, []byte) error) error {
	d, err := folder.OpenLane(dir, lane)
	if err != nil {
		return err
	}
	defer d.Close()
	lr.watermark(d)
	segs, foreign, err := folder.List(d)
	if err != nil {
		return err
	}
	for _, name := range foreign {
		lr.problem("%s: %v", name, folder.ErrNotPlain)
	}
	if lr.Aside, err = folder.Aside(d); err != nil {
		return err
	}
	if len(segs) > 0 && segs[0].First > lr.Evicted+1 && lr.Durable.Seq > 0 {
		lr.problem("%s missing at the beginning", these(lr.Evicted+1, segs[0].First-1))
	}
	var last uint64
	for i, s := range segs {
		active := i == len(segs)-1
		sr, err := walkSegment(d, s, active, lr, fn)
		if errors.Is(err, os.ErrNotExist) {
			continue // evicted meanwhile
		}
		if err != nil {
			return err
		}
		if last > 0 && s.First > last+1 {
			lr.problem("%s: %s missing before it", s.Name(), these(last+1, s.First-1))
		}
		last = max(last, sr.Last)
		lr.Records += sr.Records
		lr.Segments = append(lr.Segments, sr)
	}
	if len(segs) > 0 && last < lr.Durable.Seq {
		lr.problem("%s missing at the end", these(last+1, lr.Durable.Seq))
	}
	return nil
}

func (lr *LaneReport) watermark(dir *os.File) {
	f, err := folder.OpenPlain(dir, folder.WatermarkName, unix.O_RDONLY)
	if err != nil {
		lr.problem("%v", err)
		return
	}
	defer f.Close()
	w, ok := segment.ReadWatermark(f)
	if !ok {
		lr.problem("%s: damaged watermark", folder.WatermarkName)
	}
	lr.Durable, lr.Evicted = w.Durable, w.Evicted
}

func (lr *LaneReport) problem(format string, args ...any) {
	const enough = 1000 // the rest is counted by SegmentReport.Damaged
	if len(lr.Problems) < enough {
		lr.Problems = append(lr.Problems, fmt.Sprintf(format, args...))
	}
}

// checkHeader compares a segment's header with its name. It reports whether its
// records can be read, which a damaged header does not prevent.
func checkHeader(sc *segment.Scanner, s segment.File, lr *LaneReport, sr *SegmentReport) (bool, error) {
	h, err := sc.Header()
	switch {
	case errors.Is(err, segment.ErrHeader):
		lr.problem("%s: %v", sr.Name, err)
	case err != nil:
		return false, err
	case h.Version != segment.Version:
		lr.problem("%s: format version %d is not known", sr.Name, h.Version)
		return false, nil
	case h.Epoch != s.Epoch || h.First != s.First || h.Lane != lr.Lane:
		lr.problem("%s: header is that of segment %016x-%016x of lane %q", sr.Name, h.First, h.Epoch, h.Lane)
	default:
		sr.Created = time.Unix(0, h.Wall)
	}
	return true, nil
}

// walkSegment reads one segment. Damage at the end of the active one, behind the
// watermark, is a record that is being written.
func walkSegment(dir *os.File, s segment.File, active bool, lr *LaneReport, fn func(segment.Position, []byte) error) (SegmentReport, error) {
	sr := SegmentReport{Name: s.Name(), Epoch: s.Epoch, First: s.First, Bytes: s.Size}
	f, err := folder.OpenPlain(dir, s.Name(), unix.O_RDONLY)
	if err != nil {
		return sr, err
	}
	defer f.Close()
	sc := segment.NewScanner(f, s.Epoch)
	if readable, err := checkHeader(&sc, s, lr, &sr); !readable || err != nil {
		return sr, err
	}
	expect := s.First
	for off := int64(segment.HeaderSize); off < s.Size; {
		rec, st, err := sc.At(off)
		if err != nil {
			return sr, err
		}
		next := rec.Next
		if st == segment.AtDamage || st == segment.AtEnd {
			if next, err = sc.Resync(off + 8); err != nil {
				return sr, err
			}
			if next < 0 {
				next = s.Size
			}
		}
		if st != segment.AtRecord {
			sr.Damaged += next - off
			if !active || expect <= lr.Durable.Seq {
				lr.problem("%s: offset %d: %d damaged bytes", sr.Name, off, next-off)
			}
			off = next
			continue
		}
		if rec.Seq > expect {
			lr.problem("%s: offset %d: %s missing", sr.Name, off, these(expect, rec.Seq-1))
		}
		expect = rec.Seq + 1
		sr.Last = rec.Seq
		sr.Records++
		if err := fn(segment.Position{Epoch: s.Epoch, Seq: rec.Seq}, rec.Payload); err != nil {
			return sr, err
		}
		off = next
	}
	return sr, nil
}

// these names records in a sentence.
func these(from, to uint64) string {
	if from == to {
		return fmt.Sprintf("record %d is", from)
	}
	return fmt.Sprintf("records %d to %d are", from, to)
}
