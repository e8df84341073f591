package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseOverride reads what replaces a choice, such as "crash/3/0=0x4000000000000000": the site, the node (an index, "world",
// or "2-5" for a pair, which at the sites of single messages means from 2 to 5), how many were drawn there before, and the value (decimal or 0x; "max" is the greatest).
func ParseOverride(s string) (c Choice, value uint64, err error) {
	left, right, ok := strings.Cut(s, "=")
	parts := strings.Split(left, "/")
	if !ok || len(parts) != 3 || parts[0] == "" {
		return c, 0, fmt.Errorf("override %q: write site/node/count=value, such as crash/3/0=max", s)
	}
	c.Site = parts[0]
	if c.Node, err = parseNode(parts[1], pairs[c.Site]); err != nil {
		return c, 0, fmt.Errorf("override %q: node %q is not an index, world, or a pair such as 2-5", s, parts[1])
	}
	if c.Count, err = strconv.ParseUint(parts[2], 10, 64); err != nil {
		return c, 0, fmt.Errorf("override %q: count %q is not a number from 0", s, parts[2])
	}
	if right == "max" {
		return c, ^uint64(0), nil
	}
	if value, err = strconv.ParseUint(right, 0, 64); err != nil {
		return c, 0, fmt.Errorf("override %q: value %q is not a number of 64 bits, or max", s, right)
	}
	return c, value, nil
}

func parseNode(s string, p pairing) (int64, error) {
	if s == "world" {
		return theWorld, nil
	}
	low, high, pair := strings.Cut(s, "-")
	a, err := strconv.ParseUint(low, 10, 31)
	if err != nil || !pair {
		return int64(a), err
	}
	b, err := strconv.ParseUint(high, 10, 31)
	if p == ordered {
		return int64(a<<32 | b), err
	}
	return int64(min(a, b)<<32 | max(a, b)), err
}
