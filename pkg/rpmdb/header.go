package rpmdb

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// Tags and types of include/rpm/rpmtag.h.
const (
	tagName      = 1000
	tagVersion   = 1001
	tagRelease   = 1002
	tagEpoch     = 1003
	tagBuildTime = 1006
	tagInstall   = 1008
	tagVendor    = 1011
	tagArch      = 1022
	tagSource    = 1044
	tagModule    = 5096

	typeInt32  = 4
	typeString = 6
	typeArray  = 8
	typeI18N   = 9
)

const (
	maxIndex  = 0xffff     // entries, HEADER_TAGS_MAX
	maxData   = 0x0fffffff // bytes, HEADER_DATA_MAX
	maxString = 4096       // bytes of a string that is read
	maxText   = 32 << 20   // bytes that are kept of all headers
	entrySize = 16
)

// slot numbers what is read of a header.
type slot int

const (
	slotName slot = iota
	slotVersion
	slotRelease
	slotSource
	slotModule
	slotVendor // this and the rest: many packages have the same
	slotArch
	slotEpoch // this and the rest are numbers
	slotBuild
	slotInstall
	slots
)

func slotOf(tag uint32) slot {
	switch tag {
	case tagName:
		return slotName
	case tagVersion:
		return slotVersion
	case tagRelease:
		return slotRelease
	case tagEpoch:
		return slotEpoch
	case tagBuildTime:
		return slotBuild
	case tagInstall:
		return slotInstall
	case tagVendor:
		return slotVendor
	case tagArch:
		return slotArch
	case tagSource:
		return slotSource
	case tagModule:
		return slotModule
	}
	return slots
}

// entry is an index entry that is wanted.
type entry struct {
	slot  slot
	there bool
	off   uint32
}

// headers reads headers one after the other. readAt gives bytes of the record that
// is read, best in ascending order.
type headers struct {
	readAt func(p []byte, off int64) error
	// times asks for the time of installation. rpm adds it at a header's end, and a
	// database that keeps records in chains of pages has to be read as far as that.
	times bool

	index   []byte
	entries [slots]entry
	numbers [slots]int64
	from    [slots]int // where a string begins in text
	to      [slots]int
	text    []byte
	word    [8]byte
	shared  map[string]string
	kept    int // bytes
}

// read reads the header in a record of size bytes.
func (h *headers) read(size int64) (Package, error) {
	data, err := h.readIndex(size)
	if err != nil {
		return Package{}, err
	}
	// In the order in which they stand, to go through the record once.
	ordered := h.entries
	slices.SortFunc(ordered[:], func(a, b entry) int { return int(int64(a.off) - int64(b.off)) })
	h.text, h.from, h.to, h.numbers = h.text[:0], [slots]int{}, [slots]int{}, [slots]int64{}
	h.numbers[slotEpoch] = -1
	for _, e := range ordered {
		switch {
		case !e.there, e.slot == slotInstall && !h.times:
		case e.slot >= slotEpoch:
			err = h.readNumber(e, data, size)
		default:
			err = h.readString(e, data, size)
		}
		if err != nil {
			return Package{}, err
		}
	}
	for _, s := range [...]slot{slotName, slotVersion, slotRelease} {
		if h.from[s] == h.to[s] {
			return Package{}, damaged("header without name, version or release")
		}
	}
	// Cells of a page may overlap, and so the database's size is no bound.
	if h.kept += len(h.text); h.kept > maxText {
		return Package{}, damaged("headers with more than %d bytes of text", maxText)
	}
	return h.make(), nil
}

// readIndex finds the wanted entries and returns where the data begins.
func (h *headers) readIndex(size int64) (data int64, err error) {
	if size < 8 {
		return 0, damaged("header of %d bytes", size)
	}
	if err := h.readAt(h.word[:], 0); err != nil {
		return 0, err
	}
	il, dl := int64(binary.BigEndian.Uint32(h.word[:])), int64(binary.BigEndian.Uint32(h.word[4:]))
	if il < 1 || il > maxIndex || dl < 1 || dl > maxData || 8+il*entrySize+dl != size {
		return 0, damaged("header of %d bytes with %d entries and %d bytes of data", size, il, dl)
	}
	h.index = slices.Grow(h.index[:0], int(il*entrySize))[:il*entrySize]
	if err := h.readAt(h.index, 8); err != nil {
		return 0, err
	}
	h.entries = [slots]entry{}
	for b := h.index; len(b) > 0; b = b[entrySize:] {
		s := slotOf(binary.BigEndian.Uint32(b))
		if s == slots {
			continue
		}
		if h.entries[s], err = readEntry(b, s, dl); err != nil {
			return 0, err
		}
	}
	return 8 + il*entrySize, nil
}

// readEntry reads a wanted entry, whose value begins in the dl bytes of data.
func readEntry(b []byte, s slot, dl int64) (entry, error) {
	kind, off, count := binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	number := kind == typeInt32
	text := kind == typeString || kind == typeArray || kind == typeI18N
	if s >= slotEpoch && !number || s < slotEpoch && !text || count == 0 || int64(off) >= dl {
		return entry{}, damaged("tag %d of type %d, %d values at %d of %d", binary.BigEndian.Uint32(b), kind, count, off, dl)
	}
	return entry{s, true, off}, nil
}

func (h *headers) readNumber(e entry, data, size int64) error {
	at := data + int64(e.off)
	if at+4 > size {
		return damaged("number at %d of %d", at, size)
	}
	if err := h.readAt(h.word[:4], at); err != nil {
		return err
	}
	h.numbers[e.slot] = int64(binary.BigEndian.Uint32(h.word[:]))
	return nil
}

// readString appends a string to h.text, without the NUL that ends it.
func (h *headers) readString(e entry, data, size int64) error {
	at := data + int64(e.off)
	from := len(h.text)
	for n := int64(64); ; n *= 4 {
		start := len(h.text)
		n = min(n, size-at)
		h.text = slices.Grow(h.text, int(n))[:start+int(n)]
		if err := h.readAt(h.text[start:], at); err != nil {
			return err
		}
		if end := bytes.IndexByte(h.text[start:], 0); end >= 0 {
			h.text = h.text[:start+end]
			h.from[e.slot], h.to[e.slot] = from, start+end
			return nil
		}
		if at += n; at >= size || len(h.text)-from > maxString {
			return damaged("string of more than %d bytes", len(h.text)-from)
		}
	}
}

// make makes the package of what was read: one string that most of its fields are
// parts of.
func (h *headers) make() Package {
	all := string(h.text)
	p := Package{
		Name:            all[h.from[slotName]:h.to[slotName]],
		Version:         all[h.from[slotVersion]:h.to[slotVersion]],
		Release:         all[h.from[slotRelease]:h.to[slotRelease]],
		SourceRPM:       all[h.from[slotSource]:h.to[slotSource]],
		Epoch:           int(h.numbers[slotEpoch]),
		Arch:            h.share(slotArch),
		Vendor:          h.share(slotVendor),
		ModularityLabel: h.share(slotModule),
	}
	if n := h.numbers[slotInstall]; n != 0 {
		p.InstallTime = time.Unix(n, 0)
	}
	if n := h.numbers[slotBuild]; n != 0 {
		p.BuildTime = time.Unix(n, 0)
	}
	return p
}

// share returns a string that all packages with the same value have.
func (h *headers) share(s slot) string {
	b := h.text[h.from[s]:h.to[s]]
	if v, ok := h.shared[string(b)]; ok || len(b) == 0 {
		return v
	}
	if h.shared == nil {
		h.shared = make(map[string]string)
	}
	v := string(b)
	h.shared[v] = v
	return v
}
