package replicate

import (
	"cmp"
	"slices"

	"github.com/merograph/merograph/dag"
)

// Behind counts the deltas of mine that are not in have, both sorted: by chain, the difference of the greatest numbers, and
// at least one where a branch differs. What have claims beyond mine counts for nothing.
func Behind(have, mine []dag.Tip) (n int) {
	for len(mine) > 0 {
		c := mine[0].Chain
		n += behindOn(chainOf(have, c), chainOf(mine, c))
		mine = mine[len(chainOf(mine, c)):]
	}
	return n
}

func behindOn(have, mine []dag.Tip) int {
	for _, t := range mine {
		if !slices.Contains(have, t) {
			return missing(have, mine)
		}
	}
	return 0
}

// missing is how much longer the longest branch of mine is, and at least one. The numbers of have come from outside.
func missing(have, mine []dag.Tip) int {
	length := func(tips []dag.Tip) (n uint64) {
		for _, t := range tips {
			n = max(n, t.Seq, t.Seq+1)
		}
		return n
	}
	if h, m := length(have), length(mine); h < m {
		return int(m - h)
	}
	return 1
}

// short is Behind for a have that may have grown since want was looked at: who has a later delta of a branch has the ones
// before it too.
func short(have, want []dag.Tip) (n int) {
	for len(want) > 0 {
		c := want[0].Chain
		if h, w := chainOf(have, c), chainOf(want, c); !covers(h, w) {
			n += missing(h, w)
		}
		want = want[len(chainOf(want, c)):]
	}
	return n
}

// covers tells whether who has some branches of a chain has others too, as far as their tips can tell. Each that is not a
// tip of both needs a greater one of its own: no delta stands on two branches. So of two tips of one chain at one honest
// peer the later cover the earlier, and never the other way about.
func covers(have, want []dag.Tip) bool {
	h, w := without(have, want), without(want, have)
	for i := range w {
		if i == len(h) || h[i].Seq <= w[i].Seq {
			return false
		}
	}
	return true
}

// without gives the tips that are not among others, the greatest first.
func without(tips, others []dag.Tip) []dag.Tip {
	tips = slices.DeleteFunc(slices.Clone(tips), func(t dag.Tip) bool { return slices.Contains(others, t) })
	slices.SortFunc(tips, func(a, b dag.Tip) int { return cmp.Compare(b.Seq, a.Seq) }) //lint:total-key only the numbers are compared afterwards
	return tips
}

// latest is what two acknowledgements of one peer say together, chain by chain the one that covers the other: what a peer
// holds only grows, and messages overtake each other. The one that stood stays where neither does.
func latest(stood, came []dag.Tip) []dag.Tip {
	var out []dag.Tip
	for len(stood)+len(came) > 0 {
		var c dag.ID
		if len(stood) == 0 || len(came) > 0 && came[0].Chain.Compare(stood[0].Chain) < 0 {
			c = came[0].Chain
		} else {
			c = stood[0].Chain
		}
		s, n := chainOf(stood, c), chainOf(came, c)
		stood, came = stood[len(s):], came[len(n):]
		if covers(n, s) {
			out = append(out, n...)
		} else {
			out = append(out, s...)
		}
	}
	return clip(out)
}

// chainOf gives the tips of one chain.
func chainOf(tips []dag.Tip, chain dag.ID) []dag.Tip {
	at, _ := slices.BinarySearchFunc(tips, chain, func(t dag.Tip, c dag.ID) int { return t.Chain.Compare(c) })
	end := at
	for end < len(tips) && tips[end].Chain == chain {
		end++
	}
	return tips[at:end]
}

// Count counts the deltas up to tips, both branches of a fork once.
func Count(tips []dag.Tip) int { return Behind(nil, tips) }
