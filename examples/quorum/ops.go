package main

import "github.com/merograph/merograph/graph"

type (
	access   = *graph.Request[Access, Answer]
	holdings = []graph.Outcome[Register] // in the order of the replicas

	decider = func(graph.In[access], graph.In[holdings]) graph.Wire[Register]
	teller  = func(graph.In[Register], graph.In[holdings], graph.In[[]graph.Peer]) graph.Wire[[]graph.Peer]
)

// The ops of the register. Each is a function of its ports.
var (
	opset = graph.NewOpset("quorum")

	All = graph.Op2(opset, "all", 1, func(_ *graph.Tick, _ access, replicas []graph.Peer) ([]graph.Peer, error) { return replicas, nil })
	Key = graph.Op1(opset, "key", 1, func(_ *graph.Tick, r access) (string, error) { return r.Value.Key, nil })

	// Decide says what is to be held: the newest that was found, or what is written, newer than that.
	Decide = graph.Op2(opset, "decide", 1, func(x *graph.Tick, r access, known holdings) (Register, error) {
		found, err := newest(r.Value.Key, known)
		if err != nil || !r.Value.Write {
			return found, err
		}
		return Register{r.Value.Key, r.Value.Text, Version{found.Version.N + 1, x.Rand()}}, nil
	})

	// Behind are the replicas that are not known to hold r.
	Behind = graph.Op3(opset, "behind", 1, func(_ *graph.Tick, r Register, known holdings, all []graph.Peer) ([]graph.Peer, error) {
		var stale []graph.Peer
		for i, k := range known {
			if k.Failure != nil || k.Value.Version != r.Version {
				stale = append(stale, all[i])
			}
		}
		return stale, nil
	})

	// Settled gives r when most replicas hold it, or something newer.
	Settled = graph.Op3(opset, "settled", 1, func(_ *graph.Tick, r Register, known holdings, stored []graph.Outcome[Version]) (Register, error) {
		n := len(known) - len(stored) // these were not told, because they held it
		for _, s := range stored {
			if s.Failure == nil {
				n++
			}
		}
		return r, enough(n, len(known))
	})

	Done      = graph.Op1(opset, "done", 1, func(_ *graph.Tick, r Register) (Answer, error) { return Answer{Register: r}, nil })
	Unsettled = graph.Op1(opset, "unsettled", 1, func(_ *graph.Tick, f graph.Failure) (Answer, error) { return Answer{Failure: f.Detail}, nil })
)

// newest is the newest register of what most replicas say.
func newest(key string, known holdings) (Register, error) {
	found, n := Register{Key: key}, 0
	for _, k := range known {
		if k.Failure == nil {
			n++
			if k.Value.Version.Compare(found.Version) > 0 {
				found = k.Value
			}
		}
	}
	return found, enough(n, len(known))
}

func enough(n, all int) error {
	if need := all/2 + 1; n < need {
		return graph.Fail(graph.Unreachable, "%d of %d replicas, and it takes %d", n, all, need)
	}
	return nil
}
