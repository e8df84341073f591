package main

import (
	"context"
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// scenario is groups of ten nodes: five replicas, and five clients that read and write two registers there, one access at
// a time, and mostly try again what failed.
var scenario = sim.Scenario{
	Name:   "quorum",
	Graph:  Protocol,
	Roles:  roles,
	Bind:   bind,
	Script: script,
	Properties: []sim.Property{
		{Name: "nobody sees a version older than one that was complete before", Kind: sim.Safety, Check: wrongOf(func(h *history) error { return h.stale })},
		{Name: "a version is one value, and somebody wrote it", Kind: sim.Safety, Check: wrongOf(func(h *history) error { return h.forged })},
		{Name: "after healing every access completes", Kind: sim.Liveness, Within: 30 * time.Second, Check: allComplete},
		{Name: "an access failed for want of replicas", Kind: sim.Sometimes},
		{Name: "a read met what was written in part", Kind: sim.Sometimes},
	},
}

const groupOf, replicasOf = 10, 5

func roles(nodes int) []string {
	out := make([]string, nodes)
	for i := range out {
		if out[i] = "client"; i%groupOf < replicasOf {
			out[i] = "replica"
		}
	}
	return out
}

func bind(n *sim.Node) []graph.Option {
	if n.Role() == "replica" {
		if n.Kept == nil {
			n.Kept = &disk{n: n, held: map[string]Register{}}
		}
		return []graph.Option{graph.Bind("disk", Disk(n.Kept.(*disk)))}
	}
	if n.Kept == nil {
		n.Kept = &user{}
	}
	n.Kept.(*user).busy = false
	first := n.Index() - n.Index()%groupOf
	var replicas []graph.Peer
	for _, r := range n.World().Nodes()[first : first+replicasOf] {
		replicas = append(replicas, r.ID())
	}
	return []graph.Option{graph.Bind("replicas", replicas)}
}

// disk is what a replica keeps. A task that ran is synced; one that a crash met before has not run.
type disk struct {
	n    *sim.Node
	held map[string]Register
}

func (d *disk) Load(_ context.Context, key string) (Register, error) { return d.held[key], nil }

func (d *disk) Store(_ context.Context, r Register) (Version, error) {
	historyOf(d.n).mustBeOne(d.n.World(), r)
	if held := d.held[r.Key]; r.Version.Compare(held.Version) <= 0 {
		return held.Version, nil
	}
	d.held[r.Key] = r
	return r.Version, nil
}

// A history is what happened in a group, as somebody sees it who sees everything.
type history struct {
	complete      map[string]Version // by key: the newest that a complete access read or wrote
	written       map[string]bool    // texts that somebody has begun to write
	values        map[string]string  // by key and version
	stale, forged error
}

func historyOf(n *sim.Node) *history { return n.World().State.([]*history)[n.Index()/groupOf] }

// mustBeOne notes what a version stands for.
func (h *history) mustBeOne(w *sim.World, r Register) {
	id := fmt.Sprint(r.Key, r.Version)
	was, known := h.values[id]
	switch {
	case h.forged != nil || r.Version == Version{}:
	case known && was != r.Text:
		h.forged = fmt.Errorf("version %d-%x of %s is both %q and %q", r.Version.N, r.Version.Tag, r.Key, was, r.Text)
	case !h.written[r.Text]:
		h.forged = fmt.Errorf("%s holds %q, which nobody wrote", r.Key, r.Text)
	}
	h.values[id] = r.Text
}

// saw judges a complete access that began when floor was complete.
func (h *history) saw(n *sim.Node, a Access, floor Version, r Register) {
	h.mustBeOne(n.World(), r)
	if c := r.Version.Compare(floor); h.stale == nil && (c < 0 || c == 0 && a.Write) {
		h.stale = fmt.Errorf("%s: %+v saw version %d-%x, and %d-%x was complete before", n.ID(), a, r.Version.N, r.Version.Tag, floor.N, floor.Tag)
	}
	if r.Version.Compare(h.complete[r.Key]) > 0 {
		if !a.Write {
			n.World().Reached("a read met what was written in part")
		}
		h.complete[r.Key] = r.Version
	}
}

// user is a client's person, who outlives its crashes.
type user struct {
	busy  bool
	retry bool // the latest access failed, and is wanted still
	want  Access
	count int
	done  graph.Time // of the world: when an access was last complete
}

func script(w *sim.World) {
	var groups []*history
	for range (len(w.Nodes()) + groupOf - 1) / groupOf {
		groups = append(groups, &history{complete: map[string]Version{}, written: map[string]bool{}, values: map[string]string{}})
	}
	w.State = groups
	w.Every(time.Second, 500*time.Millisecond, func(n *sim.Node) {
		if n.Role() == "client" {
			n.Kept.(*user).access(n, func(Access, Answer, error) {})
		}
	})
}

// access begins the next access, or the one that failed again; told hears what came of it.
func (u *user) access(n *sim.Node, told func(Access, Answer, error)) {
	if u.busy {
		return
	}
	h := historyOf(n)
	if !u.retry {
		u.count++
		u.want = Access{Key: fmt.Sprintf("k%d", n.RandN("key", 2))}
		if n.RandN("write", 3) == 0 {
			u.want.Write, u.want.Text = true, fmt.Sprintf("%s.%d", n.ID(), u.count)
			h.written[u.want.Text] = true
		}
	}
	a, floor := u.want, h.complete[u.want.Key]
	u.busy = true
	graph.Submit(n.Instance(), "access", a, 6*time.Second, func(x Answer, err error) {
		u.busy, u.retry = false, n.RandN("gives up", 3) > 0
		switch {
		case err != nil:
		case x.Failure != "":
			n.World().Reached("an access failed for want of replicas")
		default:
			u.retry, u.done = false, n.World().Now()
			h.saw(n, a, floor, x.Register)
		}
		told(a, x, err)
	})
}

func wrongOf(which func(*history) error) func(*sim.World) error {
	return func(w *sim.World) error {
		for _, h := range w.State.([]*history) {
			if err := which(h); err != nil {
				return err
			}
		}
		return nil
	}
}

func allComplete(w *sim.World) error {
	for _, n := range w.Nodes() {
		if u, ok := n.Kept.(*user); ok && w.Now().Sub(u.done) > 20*time.Second {
			return fmt.Errorf("%s has got nothing done for %v, and wants %+v", n.ID(), w.Now().Sub(u.done), u.want)
		}
	}
	return nil
}
