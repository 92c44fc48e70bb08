package sqlitefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	logMagic   = 0x377f0682 // and 1 more if checksums are over big-endian words
	logVersion = 3007000
	logHeader  = 32
	frameHead  = 24
	maxLog     = 1 << 30 // bytes
	maxFrames  = 1 << 18 // frames remembered: some MB
)

// frame is a page's place in the log.
type frame struct {
	page uint32
	at   int64
}

// logReader follows the frames of a log in their order.
type logReader struct {
	in     *bufio.Reader
	size   int // of a frame
	big    bool
	salts  [8]byte
	s0, s1 uint32 // the running checksum
}

// readLog fills f.frames and f.logged from the log of size bytes. A log whose
// header is not whole holds nothing, as for SQLite.
func (f *File) readLog(size int64) error {
	if size > maxLog {
		return fmt.Errorf("%w: write-ahead log of %d bytes", ErrUnsupported, size)
	}
	var h [logHeader]byte
	switch _, err := f.wal.ReadAt(h[:], 0); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("read the write-ahead log: %w", err)
	}
	kind := binary.BigEndian.Uint32(h[:])
	l := logReader{big: kind&1 != 0, size: frameHead + f.pageSize}
	l.s0, l.s1 = checksum(l.big, 0, 0, h[:24])
	if kind&^1 != logMagic || !l.sum(h[24:]) {
		return nil
	}
	if v := binary.BigEndian.Uint32(h[4:]); v != logVersion {
		return fmt.Errorf("%w: write-ahead log of version %d", ErrUnsupported, v)
	}
	if n := binary.BigEndian.Uint32(h[8:]); n != uint32(f.pageSize) {
		return fmt.Errorf("%w: pages of %d bytes in the write-ahead log, of %d in the file", ErrDamaged, n, f.pageSize)
	}
	copy(l.salts[:], h[16:24])
	l.in = bufio.NewReaderSize(io.NewSectionReader(f.wal, logHeader, size-logHeader), max(1<<16, l.size))
	return f.follow(&l)
}

// follow takes in frames up to the first that is not valid. Those behind the last
// commit are dropped.
func (f *File) follow(l *logReader) error {
	f.frames = make(map[uint32]int64)
	var pending []frame
	for at := int64(logHeader); ; at += int64(l.size) {
		page, commit, err := l.next()
		if err != nil || page == 0 {
			return err
		}
		if len(f.frames)+len(pending) >= maxFrames {
			return fmt.Errorf("%w: write-ahead log of more than %d frames", ErrUnsupported, maxFrames)
		}
		pending = append(pending, frame{page, at + frameHead})
		if commit == 0 {
			continue
		}
		for _, p := range pending {
			f.frames[p.page] = p.at
		}
		pending, f.logged = pending[:0], commit
	}
}

// next checks one frame and returns its page, 0 at the end of what is valid, and
// the size of the database in pages if the frame commits.
func (l *logReader) next() (page, commit uint32, err error) {
	b, err := l.in.Peek(l.size)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return 0, 0, nil
		}
		return 0, 0, fmt.Errorf("read the write-ahead log: %w", err)
	}
	l.s0, l.s1 = checksum(l.big, l.s0, l.s1, b[:8])
	l.s0, l.s1 = checksum(l.big, l.s0, l.s1, b[frameHead:])
	if string(b[8:16]) != string(l.salts[:]) || !l.sum(b[16:]) {
		return 0, 0, nil
	}
	page, commit = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	_, err = l.in.Discard(l.size)
	return page, commit, err
}

// sum compares the running checksum with the one that b begins with.
func (l *logReader) sum(b []byte) bool {
	return l.s0 == binary.BigEndian.Uint32(b) && l.s1 == binary.BigEndian.Uint32(b[4:])
}

// checksum goes on with the log's checksum over p, a multiple of 8 bytes.
func checksum(big bool, s0, s1 uint32, p []byte) (uint32, uint32) {
	if big {
		for ; len(p) >= 8; p = p[8:] {
			s0 += binary.BigEndian.Uint32(p) + s1
			s1 += binary.BigEndian.Uint32(p[4:]) + s0
		}
		return s0, s1
	}
	for ; len(p) >= 8; p = p[8:] {
		s0 += binary.LittleEndian.Uint32(p) + s1
		s1 += binary.LittleEndian.Uint32(p[4:]) + s0
	}
	return s0, s1
}
