package sim

import "encoding/binary"

// OverridesFrom reads any bytes as a table of faults, for a fuzzer to fill: eight bytes name a site, a node or a pair of so many, how
// many were drawn there before, and the value. own are the scenario's own sites of faults. The table is for a run with OnlyOverrides.
func OverridesFrom(data []byte, nodes int, own ...string) map[Choice]uint64 {
	out := map[Choice]uint64{}
	n := int64(max(1, nodes))
	for ; len(data) >= 8; data = data[8:] {
		s, name := siteBreak+site(data[0])%(sites-siteBreak+site(len(own))), ""
		if s < sites {
			name = siteNames[s]
		} else {
			name = own[s-sites]
		}
		a, b := int64(data[1])%n, int64(data[2])%n
		c := Choice{Site: name, Node: a, Count: uint64(binary.LittleEndian.Uint16(data[3:]) >> (data[7] >> 4))} // small ones are likely
		switch {
		case s == sitePartition || s == siteOneWay:
			c.Node = theWorld
		case pairs[c.Site] == anyOrder:
			c.Node = min(a, b)<<32 | max(a, b)
		case pairs[c.Site] == ordered:
			c.Node = a<<32 | b
		}
		// A value near the greatest lets what happens seldom happen; the others are moments and sizes.
		v := uint64(data[5])<<56 | uint64(data[6])<<48
		if data[7]&1 == 1 {
			v = ^v >> 16
			v = ^v
		}
		out[c] = v
	}
	return out
}
