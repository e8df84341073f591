package dag

import "slices"

// room is the waiting room of a graph: authentic deltas whose past is not held (DATA 4.4).
type room struct {
	waiting map[ID]*waiter
	wanted  map[ID][]*waiter // by a missing delta, in order of arrival
	authors map[Key]*roomUse
	order   []*waiter // those that came since the last settle, in order of arrival
}

type waiter struct {
	e       *Entry
	missing int
	logged  bool  // it is in the log already, so it is not bounded and not written again
	place   Place // of its record, when it is logged
	local   bool
	gone    bool
	run     *run // of a page; nil when it came from the log
	at      int  // its place there
}

type roomUse struct{ count, bytes int }

func (r *room) init() {
	r.waiting = make(map[ID]*waiter)
	r.wanted = make(map[ID][]*waiter)
	r.authors = make(map[Key]*roomUse)
}

// sink is told what becomes of offered deltas.
type sink struct {
	// admitted is called for each, at once, so that its number is the graph's last.
	admitted func(w *waiter)
	refused  func(e *Entry, reason RefuseReason)
}

// offer takes an authentic delta that is neither held nor waiting: admits it and all that waited for it, or lets it wait.
func (g *Graph) offer(w *waiter, s sink) (waits bool) {
	if g.await(w) {
		return true
	}
	queue := []*waiter{w}
	for len(queue) > 0 {
		w, queue = queue[0], queue[1:]
		outcome, reason := g.Add(w.e.ID, w.e.Delta)
		next := g.room.wanted[w.e.ID]
		delete(g.room.wanted, w.e.ID)
		if outcome != Admitted {
			s.refused(w.e, reason)
			g.dropAll(next, reason, s)
			continue
		}
		s.admitted(w)
		for _, c := range next {
			if c.missing--; c.missing == 0 {
				g.leave(c)
				queue = append(queue, c)
			}
		}
	}
	return false
}

// Offer admits an authentic delta and whatever waited for it, or lets it wait for its past, without a bound. It gives
// how many were admitted; one that is held or waiting already, or refused, counts as none.
func (g *Graph) Offer(e *Entry) (admitted int) {
	if g.Has(e.ID) || g.room.waiting[e.ID] != nil {
		return 0
	}
	g.offer(&waiter{e: e, logged: true}, sink{
		admitted: func(*waiter) { admitted++ },
		refused:  func(*Entry, RefuseReason) {},
	})
	return admitted
}

// Waiting gives the number of deltas that wait for their past.
func (g *Graph) Waiting() int { return len(g.room.waiting) }

// await lets w wait for what it misses; it is false when nothing is missing.
func (g *Graph) await(w *waiter) bool {
	d := w.e.Delta
	if d.Kind == KindGenesis || d.Context != g.ctx {
		return false
	}
	want := func(id ID) {
		if !id.IsZero() && !g.Has(id) {
			w.missing++
			g.room.wanted[id] = append(g.room.wanted[id], w)
		}
	}
	want(d.Prev)
	for _, p := range d.Parents {
		want(p)
	}
	if w.missing == 0 {
		return false
	}
	g.room.waiting[w.e.ID] = w
	if !w.logged {
		u := g.room.authors[d.Author]
		if u == nil {
			u = new(roomUse)
			g.room.authors[d.Author] = u
		}
		u.count, u.bytes = u.count+1, u.bytes+len(w.e.Raw)
		g.room.order = append(g.room.order, w)
	}
	return true
}

// leave takes w out of the count of those that wait.
func (g *Graph) leave(w *waiter) {
	delete(g.room.waiting, w.e.ID)
	w.gone = true
	if w.logged {
		return
	}
	a := w.e.Delta.Author
	u := g.room.authors[a]
	if u.count, u.bytes = u.count-1, u.bytes-len(w.e.Raw); u.count == 0 {
		delete(g.room.authors, a)
	}
}

// forget takes w out, and out of the lists of what it misses.
func (g *Graph) forget(w *waiter) {
	g.leave(w)
	unlist := func(id ID) {
		list := g.room.wanted[id]
		for i := len(list) - 1; i >= 0; i-- {
			if list[i] != w {
				continue
			}
			if list = slices.Delete(list, i, i+1); len(list) == 0 {
				delete(g.room.wanted, id)
			} else {
				g.room.wanted[id] = list
			}
			return
		}
	}
	unlist(w.e.Delta.Prev)
	for _, p := range w.e.Delta.Parents {
		unlist(p)
	}
}

// forgetRun takes w out, and with it what else waits of its run: without the end of it nothing would prove the rest.
func (g *Graph) forgetRun(w *waiter, forgotten func(e *Entry)) {
	whole := []*Entry{w.e}
	if w.run != nil {
		whole = w.run.rest()
	}
	for _, e := range slices.Backward(whole) {
		if v := g.room.waiting[e.ID]; v != nil && v.run == w.run {
			g.forget(v)
			forgotten(e)
		}
	}
}

// dropAll refuses what waited for a refused delta: it can never be admitted. What else waits of its run may come again.
func (g *Graph) dropAll(list []*waiter, reason RefuseReason, s sink) {
	var dropped []*waiter
	for len(list) > 0 {
		w := list[len(list)-1]
		list = list[:len(list)-1]
		if w.gone {
			continue
		}
		g.forget(w)
		s.refused(w.e, reason)
		dropped = append(dropped, w)
		list = append(list, g.room.wanted[w.e.ID]...)
		delete(g.room.wanted, w.e.ID)
	}
	for _, w := range dropped {
		g.forgetRun(w, func(e *Entry) { s.refused(e, NoWitness) })
	}
}

// settle ends a page: over its bounds, and of an author that no held grant names, the newest runs are forgotten.
func (g *Graph) settle(most, mostBytes int, forgotten func(e *Entry)) {
	order := g.room.order
	for i := len(order) - 1; i >= 0; i-- {
		w := order[i]
		if w.gone {
			continue
		}
		u := g.room.authors[w.e.Delta.Author]
		if u.count > most || u.bytes > mostBytes || len(g.sets.keys[w.e.Delta.Author]) == 0 {
			g.forgetRun(w, forgotten)
		}
	}
	clear(order)
	g.room.order = order[:0]
}

// missing gives at most most deltas that waiting ones name and that do not wait themselves, ascending.
func (g *Graph) missing(most int) []ID {
	var ids []ID
	for id := range g.room.wanted { //lint:unordered sorted below
		if _, ok := g.room.waiting[id]; !ok {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, ID.Compare) //lint:total-key equal ids are the same
	return ids[:min(len(ids), most)]
}
