// Package pkgver compares package versions as the package managers do.
//
// [Deb] follows dpkg (deb-version(7)): epoch, upstream version and revision are
// compared in that order, each as alternating runs of non-digits, where "~" sorts
// before everything (even the end) and letters before other characters, and of
// digits, compared as numbers of any length. It takes any bytes and orders them
// totally; whether a version is well formed is not asked.
//
// [RPM] follows rpm (rpmver.c, rpmvercmp.c of 4.18): epoch, version and release in
// that order, each compared by [RPMPart]. It takes any bytes, too.
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
	for len(a) > 0 || len(b) > 0 {
		n, c := text(a, b)
		if c != 0 {
			return c
		}
		a, b = a[n:], b[n:]
		aFrom, aTo := number(a)
		bFrom, bTo := number(b)
		if c := sign((aTo - aFrom) - (bTo - bFrom)); c != 0 {
			return c
		}
		for i := range aTo - aFrom {
			if c := sign(int(a[aFrom+i]) - int(b[bFrom+i])); c != 0 {
				return c
			}
		}
		a, b = a[aTo:], b[bTo:]
	}
	return 0
}

// text compares the leading runs of non-digits. Where they are equal they have
// the same length, n: no character but a digit weighs what the end does.
func text[A, B Bytes](a A, b B) (n, c int) {
	for ; ; n++ {
		x, y := weight(a, n), weight(b, n)
		switch {
		case x != y:
			return n, sign(x - y)
		case x == 0:
			return n, 0
		}
	}
}

// number is where the leading run of digits begins, zeros in front passed over,
// and ends.
func number[T Bytes](v T) (from, to int) {
	for from < len(v) && v[from] == '0' {
		from++
	}
	for to = from; to < len(v) && digit(v[to]); to++ {
	}
	return from, to
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// weight orders the characters; the end and digits weigh 0.
func weight[T Bytes](v T, i int) int {
	if i >= len(v) {
		return 0
	}
	switch c := v[i]; {
	case digit(c):
		return 0
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return int(c)
	case c == '~':
		return -1
	default:
		return int(c) + 256
	}
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
