package simnode

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/sim"
)

const (
	sometimesPage    = "a catch-up fetched a page"
	sometimesGossip  = "gossip brought a delta"
	sometimesMissing = "a delta waited for its past"
	sometimesRefused = "something was refused"
	sometimesDamage  = "damage was named"
	sometimesTorn    = "a torn tail was cut"
	sometimesCopied  = "a copied home was noticed"
	sometimesFailed  = "a log stopped, and was opened again"
	sometimesFork    = "a disk that was put back forked its chain"
	sometimesFuture  = "a clock stood in a later century"
)

var properties = []sim.Property{
	held(durable, "what is synced on a disk outlives crashes, and what a disk loses is named"),
	held(causal, "a delta is applied once, after its past"),
	held(chained, "a home that was copied or put back begins new chains, and uses no place of a chain again"),
	held(working, "an honest node serves, takes in and writes, unless its disk fails"),
	{Name: "after healing all honest nodes hold the same deltas", Kind: sim.Liveness, Within: settling, Check: converged},
	{Name: "every answered write is on every honest node, unless all disks that had it have lost it", Kind: sim.Liveness, Check: kept},
	{Name: "nothing is held that the rules of deltas forbid", Kind: sim.Liveness, Check: func(w *sim.World) error {
		return each(w, func(m *member, j *judgment) error { return j.invalid })
	}},
	{Name: "the store shows the naive fold of what is held", Kind: sim.Liveness, Check: func(w *sim.World) error {
		return each(w, func(m *member, j *judgment) error {
			var list []store.Entry
			for e, err := range m.kv.List("", "") {
				if err != nil {
					return err
				}
				list = append(list, e)
			}
			return j.shows(list)
		})
	}},
	{Name: "every fork that is held is shown", Kind: sim.Liveness, Check: func(w *sim.World) error {
		return each(w, func(m *member, j *judgment) error {
			for _, c := range m.journal.Stats().Contexts {
				if c.Forks != j.forks {
					return fmt.Errorf("%d forked chains are shown, there are %d", c.Forks, j.forks)
				}
			}
			return nil
		})
	}},
	{Name: sometimesPage, Kind: sim.Sometimes},
	{Name: sometimesGossip, Kind: sim.Sometimes},
	{Name: sometimesMissing, Kind: sim.Sometimes},
	{Name: sometimesRefused, Kind: sim.Sometimes},
	{Name: sometimesDamage, Kind: sim.Sometimes},
	{Name: sometimesTorn, Kind: sim.Sometimes},
	{Name: sometimesCopied, Kind: sim.Sometimes},
	{Name: sometimesFailed, Kind: sim.Sometimes},
	{Name: sometimesFork, Kind: sim.Sometimes},
	{Name: sometimesFuture, Kind: sim.Sometimes},
}

// held is the property that no node breaks a rule.
func held(r rule, name string) sim.Property {
	return sim.EachNode(name, func(_ *sim.World, n *sim.Node) error { return of(n).wrong[r] })
}

// honest are the honest nodes, whose logs are open when faults have ended.
func honest(w *sim.World) (all []*member, err error) {
	for _, n := range w.Nodes() {
		if n.Hostile() {
			continue
		}
		if m := of(n); m.journal != nil {
			all = append(all, m)
		} else if err == nil {
			err = fmt.Errorf("%s has no log", n.ID())
		}
	}
	return all, err
}

func converged(w *sim.World) error {
	all, err := honest(w)
	if err != nil {
		return err
	}
	for _, m := range all[1:] {
		if a, b := all[0].journal.Stats(), m.journal.Stats(); all[0].Digest() != m.Digest() {
			return fmt.Errorf("%s and %s hold different deltas: %+v and %+v", all[0].n.ID(), m.n.ID(), a.Contexts, b.Contexts)
		}
	}
	return nil
}

func kept(w *sim.World) error {
	all, err := honest(w)
	if err != nil {
		return err
	}
	r := shared(w)
	for _, a := range r.acked {
		for _, m := range all {
			if !r.lost[a.id] && !m.journal.Has(a.id) {
				return fmt.Errorf("%s lacks %v, which %s was answered at %v", m.n.ID(), a.id, a.by, time.Duration(a.at))
			}
		}
	}
	return nil
}

// each holds every honest node to what its own set of deltas makes.
func each(w *sim.World, check func(m *member, j *judgment) error) error {
	all, err := honest(w)
	if err != nil {
		return err
	}
	r := shared(w)
	for _, m := range all {
		digest := m.Digest()
		if r.judged[digest] == nil {
			if r.judged[digest], err = judge(m.journal, r.ctx); err != nil {
				return fmt.Errorf("%s: %w", m.n.ID(), err)
			}
		}
		if err := check(m, r.judged[digest]); err != nil {
			return fmt.Errorf("%s: %w", m.n.ID(), err)
		}
	}
	return nil
}

// judge reads the deltas of a log, and says by naive means what they make.
func judge(j *dag.Journal, ctx dag.ID) (*judgment, error) {
	var entries []*dag.Entry
	err := j.Each(ctx, func(e *dag.Entry) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return judgmentOf(ctx, entries, j.Proof), nil
}
