package repodata

import (
	"bytes"

	"seawall/pkg/xmlscan"
)

// kept is the text that is kept of an entry, one piece behind the other, so that it
// becomes one string.
type kept []byte

// span is a piece of it.
type span struct{ from, to int }

func (p span) of(all string) string { return all[p.from:p.to] }

func (k *kept) add(b []byte) span {
	from := len(*k)
	*k = append(*k, b...)
	return span{from, len(*k)}
}

// text keeps the text of an element, without the blanks around it.
func (k *kept) text(s *xmlscan.Scanner) (span, error) {
	from := len(*k)
	b, err := s.Text(*k, maxField)
	*k = b
	piece := b[from:]
	left := len(piece) - len(bytes.TrimLeft(piece, blanks))
	return span{from + left, from + max(left, len(bytes.TrimRight(piece, blanks)))}, err
}

const blanks = " \t\r\n"

// build is one build of a package.
type build struct {
	name, arch              span
	epoch, version, release span // one behind the other, with a byte in between
}

// evr keeps epoch, version and release of the tag that s found, as they are named
// there.
func (b *build) evr(k *kept, s *xmlscan.Scanner, epoch, version, release string) {
	if e := s.Attr(epoch); len(e) > 0 {
		b.epoch = k.add(e)
	} else {
		b.epoch = k.add([]byte{'0'})
	}
	*k = append(*k, ':')
	b.version = k.add(s.Attr(version))
	*k = append(*k, '-')
	b.release = k.add(s.Attr(release))
}

// available makes strings of it.
func (b *build) available(all string) Available {
	return Available{
		Name: b.name.of(all), Arch: b.arch.of(all),
		EVR:   span{b.epoch.from, b.release.to}.of(all),
		Epoch: b.epoch.of(all), Version: b.version.of(all), Release: b.release.of(all),
	}
}
