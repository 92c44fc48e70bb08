package spool

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
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
	Durable  Position // zero when the watermark is damaged
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
	lanes, err := Lanes(dir)
	if err != nil {
		return rep, err
	}
	for _, name := range lanes {
		lr := LaneReport{Lane: name}
		err := walk(dir, name, &lr, func(Position, []byte) error { return nil })
		if err != nil {
			return rep, fmt.Errorf("verify spool: lane %s: %w", name, err)
		}
		rep.Lanes = append(rep.Lanes, lr)
	}
	return rep, nil
}

// Walk calls fn for each good record of a lane, durable or not, until fn fails.
// A record that its writer wrote twice is given twice.
func Walk(dir, lane string, fn func(pos Position, payload []byte) error) error {
	if err := walk(dir, lane, &LaneReport{}, fn); err != nil {
		return fmt.Errorf("walk spool: lane %s: %w", lane, err)
	}
	return nil
}

func walk(dir, lane string, lr *LaneReport, fn func(Position, []byte) error) error {
	r, err := openReader(dir, lane)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := r.refresh(); err != nil {
		return err
	}
	lr.Durable = r.limit
	if r.limit == (Position{}) {
		lr.problem("%s: damaged watermark", durableName)
	}
	segs, foreign, err := segments(r.dir)
	if err != nil {
		return err
	}
	for _, name := range foreign {
		lr.problem("%s: %v", name, errNotPlain)
	}
	var last uint64
	for i, s := range segs {
		active := i == len(segs)-1
		sr, err := walkSegment(r.dir, s, active, lr, fn)
		if errors.Is(err, os.ErrNotExist) {
			continue // evicted meanwhile
		}
		if err != nil {
			return err
		}
		if last > 0 && s.first > last+1 {
			lr.problem("%s: records %d to %d are missing before it", s.name(), last+1, s.first-1)
		}
		last = max(last, sr.Last)
		lr.Records += sr.Records
		lr.Segments = append(lr.Segments, sr)
	}
	if len(segs) > 0 && last < lr.Durable.Seq {
		lr.problem("records %d to %d are missing at the end", last+1, lr.Durable.Seq)
	}
	return nil
}

func (lr *LaneReport) problem(format string, args ...any) {
	const enough = 1000 // the rest is counted by SegmentReport.Damaged
	if len(lr.Problems) < enough {
		lr.Problems = append(lr.Problems, fmt.Sprintf(format, args...))
	}
}

// walkSegment reads one segment. Damage at the end of the active one, behind the
// watermark, is a record that is being written.
func walkSegment(dir *os.File, s segment, active bool, lr *LaneReport, fn func(Position, []byte) error) (SegmentReport, error) {
	sr := SegmentReport{Name: s.name(), Epoch: s.epoch, First: s.first, Bytes: s.size}
	f, err := openPlain(dir, s.name(), unix.O_RDONLY)
	if err != nil {
		return sr, err
	}
	defer f.Close()
	sc := scanner{r: f, epoch: s.epoch}
	b, err := sc.window(0, segHeader)
	if err != nil {
		return sr, err
	}
	switch h, err := parseHeader(b); {
	case err != nil:
		lr.problem("%s: %v", sr.Name, err)
	case h.version != version:
		lr.problem("%s: format version %d is not known", sr.Name, h.version)
		return sr, nil
	case h.epoch != s.epoch || h.first != s.first || h.lane != lr.Lane && lr.Lane != "":
		lr.problem("%s: header is that of segment %016x-%016x of lane %q", sr.Name, h.first, h.epoch, h.lane)
	default:
		sr.Created = time.Unix(0, h.wall)
	}
	expect := s.first
	for off := int64(segHeader); off < s.size; {
		rec, st, err := sc.at(off)
		if err != nil {
			return sr, err
		}
		next := rec.next
		if st == atDamage || st == atEnd {
			if next, err = sc.resync(off + 8); err != nil {
				return sr, err
			}
			if next < 0 {
				next = s.size
			}
		}
		if st != atRecord {
			sr.Damaged += next - off
			if !active || expect <= lr.Durable.Seq {
				lr.problem("%s: offset %d: %d damaged bytes", sr.Name, off, next-off)
			}
			off = next
			continue
		}
		if rec.seq > expect {
			lr.problem("%s: offset %d: records %d to %d are missing", sr.Name, off, expect, rec.seq-1)
		}
		expect = rec.seq + 1
		sr.Last = rec.seq
		sr.Records++
		if err := fn(Position{s.epoch, rec.seq}, rec.payload); err != nil {
			return sr, err
		}
		off = next
	}
	return sr, nil
}
