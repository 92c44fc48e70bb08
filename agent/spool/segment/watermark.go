package segment

import (
	"hash/crc32"
	"io"
)

const (
	watermarkMagic = "SWD2"
	slotSize       = 40
	watermarkSize  = 2 * slotSize
)

// Watermark is what a writer tells its readers of a lane.
type Watermark struct {
	Durable Position // the newest durable position
	Evicted uint64   // the newest sequence that was removed to make room, 0 for none
}

// Encode encodes the watermark, with a time by which to tell the newer of two.
func (w Watermark) Encode(wall int64) []byte {
	b := make([]byte, 0, watermarkSize)
	b = append(b, watermarkMagic...)
	b = le.AppendUint64(b, w.Durable.Epoch)
	b = le.AppendUint64(b, w.Durable.Seq)
	b = le.AppendUint64(b, w.Evicted)
	b = le.AppendUint64(b, uint64(wall))
	b = le.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return append(b, b...)
}

// ReadWatermark reads the watermark: the newer of the good slots. A watermark in
// the middle of being written has at least one.
func ReadWatermark(r io.ReaderAt) (w Watermark, ok bool) {
	b := make([]byte, watermarkSize)
	n, _ := r.ReadAt(b, 0) // what cannot be read is no good slot
	b = b[:n]
	var newest int64
	for len(b) >= slotSize {
		s := b[:slotSize]
		b = b[slotSize:]
		if string(s[:4]) != watermarkMagic || le.Uint32(s[36:]) != crc32.Checksum(s[:36], castagnoli) {
			continue
		}
		one := Watermark{Durable: Position{Epoch: le.Uint64(s[4:]), Seq: le.Uint64(s[12:])}, Evicted: le.Uint64(s[20:])}
		if one.Durable.Seq > MaxSeq || one.Evicted > one.Durable.Seq {
			continue // nothing a writer says
		}
		wall := int64(le.Uint64(s[28:]))
		if !ok || one.Durable.Seq > w.Durable.Seq || one.Durable.Seq == w.Durable.Seq && wall > newest {
			w, newest, ok = one, wall, true
		}
	}
	return w, ok
}
