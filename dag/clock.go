package dag

// later gives the greater of two clocks.
func later(ms, n, ms2, n2 uint64) (uint64, uint64) {
	if ms2 > ms || ms2 == ms && n2 > n {
		return ms2, n2
	}
	return ms, n
}

// stepsFrom tells whether (ms, n) is a step from the greatest clock (m, k) of a delta's prev and parents, (0, 0) for
// none: ms greater and n = 0, or ms equal and n one more (DATA 1.8).
func stepsFrom(m, k, ms, n uint64) bool {
	if ms >= MaxMs {
		return false
	}
	return ms > m && n == 0 || ms == m && n == k+1 && n != 0
}

// step gives the least clock that is a step from (m, k) with ms not before the wall, in milliseconds since 1970.
// ok is false when there is none before the year 9999.
func step(m, k uint64, wall int64) (ms, n uint64, ok bool) {
	if wall > 0 && uint64(wall) > m {
		return uint64(wall), 0, uint64(wall) < MaxMs
	}
	return m, k + 1, m < MaxMs && k+1 != 0
}
