package pkgver

// RPM compares two versions of rpm packages, "epoch:version-release", and returns
// -1, 0 or 1. An absent epoch is 0; an absent release is older than any. It does
// not allocate.
func RPM[A, B Bytes](a A, b B) int {
	aFrom, aTo := splitRPM(a)
	bFrom, bTo := splitRPM(b)
	if c := compareEpochs(a[:max(aFrom-1, 0)], b[:max(bFrom-1, 0)]); c != 0 {
		return c
	}
	if c := RPMPart(a[aFrom:aTo], b[bFrom:bTo]); c != 0 {
		return c
	}
	if aTo == len(a) || bTo == len(b) {
		return sign((len(a) - aTo) - (len(b) - bTo))
	}
	return RPMPart(a[aTo+1:], b[bTo+1:])
}

// splitRPM says where the version begins (after digits and a colon, if those come
// first) and ends (before the last hyphen).
func splitRPM[T Bytes](v T) (from, to int) {
	for from < len(v) && digit(v[from]) {
		from++
	}
	if from < len(v) && v[from] == ':' {
		from++
	} else {
		from = 0
	}
	for i := len(v) - 1; i >= from; i-- {
		if v[i] == '-' {
			return from, i
		}
	}
	return from, len(v)
}

// compareEpochs compares runs of digits as numbers.
func compareEpochs[A, B Bytes](a A, b B) int {
	_, _, c := compareNumbers(a, b)
	return c
}

// RPMPart compares two epochs, versions or releases by themselves, as rpmvercmp
// does: runs of digits as numbers of any length and runs of letters as text, each
// in turn, a number above letters and more runs above fewer; everything else only
// separates, but "~" sorts before the end and "^" directly behind it.
func RPMPart[A, B Bytes](a A, b B) int {
	for {
		a, b = a[separators(a):], b[separators(b):]
		x, y := first(a), first(b)
		switch {
		case x == '~' || y == '~':
			if x != y {
				return either(x == '~', -1, 1)
			}
			a, b = a[1:], b[1:]
			continue
		case x == '^' || y == '^':
			switch {
			case len(a) == 0 || y != '^' && len(b) > 0:
				return -1
			case len(b) == 0 || x != '^':
				return 1
			}
			a, b = a[1:], b[1:]
			continue
		case len(a) == 0 || len(b) == 0:
			return sign(len(a) - len(b))
		case digit(x) != digit(y):
			return either(digit(x), 1, -1)
		}
		var n, m, c int
		if digit(x) {
			n, m, c = compareNumbers(a, b)
		} else {
			n, m, c = compareLetters(a, b)
		}
		if c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
}

// compareNumbers compares the leading runs of digits and returns their lengths.
func compareNumbers[A, B Bytes](a A, b B) (n, m, c int) {
	aFrom, aTo := number(a)
	bFrom, bTo := number(b)
	if c := sign((aTo - aFrom) - (bTo - bFrom)); c != 0 {
		return aTo, bTo, c
	}
	for i := range aTo - aFrom {
		if c := sign(int(a[aFrom+i]) - int(b[bFrom+i])); c != 0 {
			return aTo, bTo, c
		}
	}
	return aTo, bTo, 0
}

// compareLetters compares the leading runs of letters and returns their lengths.
func compareLetters[A, B Bytes](a A, b B) (n, m, c int) {
	for n < len(a) && letter(a[n]) {
		n++
	}
	for m < len(b) && letter(b[m]) {
		m++
	}
	for i := range min(n, m) {
		if c := sign(int(a[i]) - int(b[i])); c != 0 {
			return n, m, c
		}
	}
	return n, m, sign(n - m)
}

// separators is how many bytes v begins with that only separate.
func separators[T Bytes](v T) (n int) {
	for n < len(v) && !digit(v[n]) && !letter(v[n]) && v[n] != '~' && v[n] != '^' {
		n++
	}
	return n
}

// first is the first byte of v, 0 at the end.
func first[T Bytes](v T) byte {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func either(yes bool, a, b int) int {
	if yes {
		return a
	}
	return b
}
