// Package pkgver compares package versions as the package managers do.
//
// [Deb] follows dpkg (deb-version(7)): epoch, upstream version and revision are
// compared in that order, each as alternating runs of non-digits, where "~" sorts
// before everything (even the end) and letters before other characters, and of
// digits, compared as numbers of any length. It takes any bytes and orders them
// totally; whether a version is well formed is not asked.
package pkgver

// Bytes is what a version may be held in.
type Bytes interface{ ~string | ~[]byte }

// Deb compares two Debian versions and returns -1, 0 or 1. It does not allocate.
func Deb[A, B Bytes](a A, b B) int {
	aFrom, aTo := split(a)
	bFrom, bTo := split(b)
	// An absent epoch is 0, as an empty run of digits is.
	if c := compare(a[:max(aFrom-1, 0)], b[:max(bFrom-1, 0)]); c != 0 {
		return c
	}
	if c := compare(a[aFrom:aTo], b[bFrom:bTo]); c != 0 {
		return c
	}
	// An absent revision equals "0".
	return compare(a[min(aTo+1, len(a)):], b[min(bTo+1, len(b)):])
}

// split says where the upstream version begins (after the first colon) and ends
// (before the last hyphen).
func split[T Bytes](v T) (from, to int) {
	for i := range len(v) {
		if v[i] == ':' {
			from = i + 1
			break
		}
	}
	for i := len(v) - 1; i >= from; i-- {
		if v[i] == '-' {
			return from, i
		}
	}
	return from, len(v)
}

// compare is dpkg's verrevcmp.
func compare[A, B Bytes](a A, b B) int {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for i < len(a) && !digit(a[i]) || j < len(b) && !digit(b[j]) {
			x, y := 0, 0
			if i < len(a) {
				x = order(a[i])
			}
			if j < len(b) {
				y = order(b[j])
			}
			if x != y {
				return sign(x - y)
			}
			i++
			j++
		}
		for i < len(a) && a[i] == '0' {
			i++
		}
		for j < len(b) && b[j] == '0' {
			j++
		}
		first := 0 // the first digits that differ decide between numbers of one length
		for i < len(a) && digit(a[i]) && j < len(b) && digit(b[j]) {
			if first == 0 {
				first = int(a[i]) - int(b[j])
			}
			i++
			j++
		}
		switch {
		case i < len(a) && digit(a[i]):
			return 1
		case j < len(b) && digit(b[j]):
			return -1
		case first != 0:
			return sign(first)
		}
	}
	return 0
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// order is the weight of a character; the end and digits weigh 0.
func order(c byte) int {
	switch {
	case digit(c):
		return 0
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return int(c)
	case c == '~':
		return -1
	}
	return int(c) + 256
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
