package apt

// Deferred reports whether phasing defers an update on this machine, exactly as
// apt decides it: a random number from 0 to 100, drawn by C++'s minstd_rand from
// a seed of the source package, its version and the machine's id, is above the
// percentage. A machine without an id takes every update.
//
// Updates that close a hole are not deferred, whatever the percentage: apt takes
// them as soon as a security version lies between the installed one and the
// update. That is for the caller to know.
func Deferred(source, sourceVersion, machineID string, percentage int) bool {
	if machineID == "" || percentage >= 100 {
		return false
	}
	return draw(source+"-"+sourceVersion+"-"+machineID) > percentage
}

// draw is std::uniform_int_distribution(0, 100) of libstdc++ over a
// std::minstd_rand seeded by a std::seed_seq of the string's characters.
func draw(seed string) int {
	const (
		modulus    = 1<<31 - 1
		multiplier = 48271
		numbers    = 101
		scale      = (modulus - 2) / numbers
	)
	x := uint64(seedSequence(seed)) % modulus
	if x == 0 {
		x = 1
	}
	for {
		x = x * multiplier % modulus
		if n := x - 1; n < numbers*scale {
			return int(n / scale)
		}
	}
}

// seedSequence is the last of four numbers that std::seed_seq::generate makes
// (C++17, 29.6.7.1), the one that a linear engine of 31 bits takes.
func seedSequence(seed string) uint32 {
	const n, p, q = 4, 1, 2
	mix := func(x uint32) uint32 { return x ^ x>>27 }
	b := [n]uint32{0x8b8b8b8b, 0x8b8b8b8b, 0x8b8b8b8b, 0x8b8b8b8b}
	s := len(seed)
	m := max(s+1, n)
	for k := range m {
		r1 := 1664525 * mix(b[k%n]^b[(k+p)%n]^b[(k+n-1)%n])
		r2 := r1 + uint32(k%n)
		switch {
		case k == 0:
			r2 = r1 + uint32(s)
		case k <= s:
			r2 += uint32(int32(int8(seed[k-1])))
		}
		b[(k+p)%n] += r1
		b[(k+q)%n] += r2
		b[k%n] = r2
	}
	for k := m; k < m+n; k++ {
		r3 := 1566083941 * mix(b[k%n]+b[(k+p)%n]+b[(k+n-1)%n])
		r4 := r3 - uint32(k%n)
		b[(k+p)%n] ^= r3
		b[(k+q)%n] ^= r4
		b[k%n] = r4
	}
	return b[3]
}
