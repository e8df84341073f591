package main

import (
	"slices"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

type (
	greeting = *graph.Request[string, string]
	verdict  = func(graph.In[graph.Peer], graph.In[[]graph.Outcome[string]], graph.In[Members], graph.In[Members]) graph.Wire[graph.Done]
)

// The ops of the detector. Each is a function of its ports.
var (
	opset = graph.NewOpset("detector")

	Hello = graph.Op1(opset, "hello", 1, func(*graph.Tick, graph.Peer) (string, error) { return "are you there?", nil })
	Here  = graph.Op1(opset, "here", 1, func(*graph.Tick, greeting) (string, error) { return "yes", nil })
	Asker = graph.Op1(opset, "asker", 1, func(_ *graph.Tick, r greeting) (graph.Peer, error) { return r.From, nil })

	Answered = graph.Op2(opset, "answered", 1, func(_ *graph.Tick, who graph.Peer, _ string) (graph.Peer, error) { return who, nil })

	// Next is the member after the last one, in their order, and around: so a round of pings is bounded.
	Next = graph.Op3(opset, "next", 1, func(x *graph.Tick, _ graph.Time, all []graph.Peer, last *graph.One[graph.Peer]) (graph.Peer, error) {
		others := slices.DeleteFunc(slices.Clone(all), func(p graph.Peer) bool { return p == x.Self() })
		if len(others) == 0 {
			return "", graph.Fail(graph.Unreachable, "there is no other member")
		}
		slices.Sort(others)
		was, _ := last.Get()
		i, found := slices.BinarySearch(others, was)
		if found {
			i++
		}
		who := others[i%len(others)]
		return who, last.Set(who)
	})

	// Alive takes back what was thought of a member.
	Alive = graph.Op3(opset, "alive", 1, func(_ *graph.Tick, who graph.Peer, suspects, down Members) (graph.Done, error) {
		suspects.Remove(who)
		down.Remove(who)
		return graph.Done{}, nil
	})

	// Helpers draws some members that are not down themselves.
	Helpers = graph.Op4(opset, "helpers", 1, func(x *graph.Tick, who graph.Peer, _ graph.Failure, all []graph.Peer, down Members) ([]graph.Peer, error) {
		var able []graph.Peer
		for _, p := range all {
			if _, gone := down.Get(p); !gone && p != who && p != x.Self() {
				able = append(able, p)
			}
		}
		for i := range min(helpers, len(able)) {
			j := i + ops.Below(x, len(able)-i)
			able[i], able[j] = able[j], able[i]
		}
		return able[:min(helpers, len(able))], nil
	})

	// Judge hears what the helpers say. A suspicion that stands already keeps its deadline.
	Judge = graph.Op4(opset, "judge", 1, func(_ *graph.Tick, who graph.Peer, said []graph.Outcome[string], suspects, down Members) (graph.Done, error) {
		for _, s := range said {
			if s.Failure == nil {
				suspects.Remove(who)
				down.Remove(who)
				return graph.Done{}, nil
			}
		}
		_, suspected := suspects.Get(who)
		if _, gone := down.Get(who); suspected || gone {
			return graph.Done{}, nil
		}
		return graph.Done{}, suspects.Put(Silent{who}, Suspicion)
	})

	// Bury turns a suspicion that expired into a certainty.
	Bury = graph.Op2(opset, "bury", 1, func(_ *graph.Tick, c graph.Change[Silent], down Members) (graph.Done, error) {
		if c.Kind != graph.ExpiredRow {
			return graph.Done{}, nil
		}
		return graph.Done{}, down.Put(c.Old, graph.Forever)
	})
)
