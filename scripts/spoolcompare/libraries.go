package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
	"github.com/tidwall/wal"
	bolt "go.etcd.io/bbolt"

	"seawall/agent/spool"
)

// library is one of those compared.
type library struct {
	name string
	// open opens a log for writing. appends are durable at once where each is set,
	// and when it is closed.
	open func(dir string, each bool) (writer, error)
	// read returns what is in the log and, by number from 1, what it says is gone.
	read func(dir string) (found contents, err error)
}

type writer struct {
	append func(i uint64, payload []byte) error
	close  func() error
}

// contents is what a library found.
type contents struct {
	records []string
	gone    []uint64
	tells   bool // what is gone, at all
}

const lane = "posture"

func libraries() []library {
	return []library{
		{"seawall", openSpool, readSpool},
		{"tidwall/wal v1.2.1", openTidwall, readTidwall},
		{"bbolt v1.5.0", openBolt, readBolt},
		{"prometheus wlog v0.316.0", openWlog, readWlog},
	}
}

func openSpool(dir string, each bool) (writer, error) {
	cfg := spool.Config{Lanes: map[string]int64{lane: 64 << 20}, SegmentBytes: segmentBytes(dir), MinFree: -1}
	s, err := spool.Open(dir, cfg)
	if err != nil {
		return writer{}, err
	}
	return writer{
		append: func(_ uint64, p []byte) error {
			if each {
				_, err := s.AppendSync(lane, p)
				return err
			}
			_, err := s.Append(lane, p)
			return err
		},
		close: s.Close,
	}, nil
}

func readSpool(dir string) (c contents, err error) {
	c.tells = true
	// As a writer does after a crash, and a reader beside it.
	s, err := spool.Open(dir, spool.Config{Lanes: map[string]int64{lane: 64 << 20}, MinFree: -1})
	if err != nil {
		return c, err
	}
	defer s.Close()
	r, err := spool.OpenReader(dir, lane)
	if err != nil {
		return c, err
	}
	defer r.Close()
	note := func(gaps []spool.Gap) {
		for _, g := range gaps {
			for i := g.From; i <= g.To; i++ {
				c.gone = append(c.gone, i)
			}
		}
	}
	for {
		rec, err := r.Next()
		if errors.Is(err, spool.ErrEmpty) {
			note(r.Tail())
			return c, nil
		}
		if err != nil {
			return c, err
		}
		note(rec.Gaps)
		c.records = append(c.records, string(rec.Payload))
	}
}

// segmentBytes makes three segments of the records that are damaged, and the usual
// ones of those that are measured.
func segmentBytes(dir string) int64 {
	if filepath.Base(dir) == "damaged" {
		return 2900
	}
	return 4 << 20
}

func openTidwall(dir string, each bool) (writer, error) {
	l, err := wal.Open(dir, &wal.Options{NoSync: !each, SegmentSize: int(segmentBytes(dir)), LogFormat: wal.Binary})
	if err != nil {
		return writer{}, err
	}
	return writer{append: l.Write, close: func() error { return errors.Join(l.Sync(), l.Close()) }}, nil
}

func readTidwall(dir string) (c contents, err error) {
	c.tells = true
	l, err := wal.Open(dir, &wal.Options{SegmentSize: int(segmentBytes(dir)), LogFormat: wal.Binary})
	if err != nil {
		return c, err
	}
	defer l.Close()
	first, err := l.FirstIndex()
	if err != nil {
		return c, err
	}
	last, err := l.LastIndex()
	if err != nil {
		return c, err
	}
	for i := first; i <= last; i++ {
		b, err := l.Read(i)
		if err != nil {
			c.gone = append(c.gone, i)
			continue
		}
		c.records = append(c.records, string(b))
	}
	return c, nil
}

func openBolt(dir string, each bool) (writer, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return writer{}, err
	}
	db, err := bolt.Open(filepath.Join(dir, "db"), 0o640, &bolt.Options{NoSync: !each, PageSize: 4096})
	if err != nil {
		return writer{}, err
	}
	put := func(i uint64, p []byte) error {
		return db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(lane))
			if err != nil {
				return err
			}
			return b.Put(binary.BigEndian.AppendUint64(nil, i), p)
		})
	}
	return writer{append: put, close: func() error { return errors.Join(db.Sync(), db.Close()) }}, nil
}

func readBolt(dir string) (c contents, err error) {
	c.tells = true
	db, err := bolt.Open(filepath.Join(dir, "db"), 0o640, nil)
	if err != nil {
		return c, err
	}
	defer db.Close()
	next := uint64(1)
	return c, db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(lane))
		if b == nil {
			return errors.New("no bucket")
		}
		return b.ForEach(func(k, v []byte) error {
			if len(k) == 8 {
				for i := binary.BigEndian.Uint64(k); next < i && len(c.gone) < 2*records; next++ {
					c.gone = append(c.gone, next)
				}
				next = binary.BigEndian.Uint64(k) + 1
			}
			c.records = append(c.records, string(v))
			return nil
		})
	})
}

func openWlog(dir string, each bool) (writer, error) {
	size := 128 << 20
	if filepath.Base(dir) == "damaged" {
		size = 32 << 10 // the least: a page
	}
	w, err := wlog.NewSize(slog.New(slog.DiscardHandler), nil, dir, size, compression.None)
	if err != nil {
		return writer{}, err
	}
	return writer{
		append: func(i uint64, p []byte) error {
			if size < 1<<20 && i > 1 && i%(records/3) == 1 { // three segments of the same records
				if _, err := w.NextSegment(); err != nil {
					return err
				}
			}
			if err := w.Log(p); err != nil || !each {
				return err
			}
			return w.Sync()
		},
		close: func() error { return errors.Join(w.Sync(), w.Close()) },
	}, nil
}

func readWlog(dir string) (c contents, err error) {
	for range 2 {
		c.records = nil
		if err = readSegments(dir, &c); err == nil {
			return c, nil
		}
		w, werr := wlog.NewSize(slog.New(slog.DiscardHandler), nil, dir, 32<<10, compression.None)
		if werr != nil {
			return c, fmt.Errorf("%w, then %w", err, werr)
		}
		if rerr := errors.Join(w.Repair(err), w.Close()); rerr != nil {
			return c, fmt.Errorf("%w, then %w", err, rerr)
		}
	}
	return c, err
}

func readSegments(dir string, c *contents) error {
	sr, err := wlog.NewSegmentsReader(dir)
	if err != nil {
		return err
	}
	defer sr.Close()
	r := wlog.NewReader(sr)
	for r.Next() {
		c.records = append(c.records, string(r.Record()))
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
