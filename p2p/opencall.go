package p2p

import "github.com/merograph/merograph/graph"

// An openCall is a request of another that an instance has: where its answer goes. Instances know it by an id of ours, so
// that no two streams can be taken for each other.
type openCall struct {
	in    *inbound
	call  uint64     // on the wire
	until graph.Time // when its caller waits no more; 0 for never
}

// request hands a request to the instance, and its refusal back.
func (r *Running) request(in *inbound, call uint64, m graph.Message) {
	o := openCall{in: in, call: call}
	if m.Remaining > 0 {
		o.until = r.h.now().Add(m.Remaining)
	}
	in.owed.Add(1)
	r.openMu.Lock()
	r.nextID++
	m.Call = r.nextID
	r.open[m.Call] = o
	r.openMu.Unlock()
	if f := r.in.Deliver(m); f != nil {
		r.answer(graph.Refusal(m, f))
	}
}

// answer sends a reply or an error to where its request came from, once; an answer to nothing is dropped.
func (r *Running) answer(m graph.Message) {
	r.openMu.Lock()
	o, ok := r.open[m.Call]
	delete(r.open, m.Call)
	r.openMu.Unlock()
	if ok {
		o.in.reply(&frame{kind: m.Kind, call: o.call, reason: m.Reason, retry: m.Retry, detail: m.Detail, payload: m.Payload}, o.until)
		o.in.owed.Add(-1)
	}
}

// cancelOpen tells the instance that nobody waits for a call any more; false when it does not have it.
func (r *Running) cancelOpen(in *inbound, call uint64) bool {
	r.openMu.Lock()
	var id uint64
	for k, o := range r.open {
		if o.in == in && o.call == call {
			id = k
			break
		}
	}
	r.openMu.Unlock()
	if id == 0 {
		return false
	}
	m := graph.Message{Kind: graph.CancelMsg, Channel: in.e.info.Name, Peer: in.from, Key: r.in.Key(), Call: id}
	if r.in.Deliver(m) == nil {
		r.openMu.Lock()
		if _, ok := r.open[id]; ok {
			delete(r.open, id)
			in.owed.Add(-1)
		}
		r.openMu.Unlock()
	}
	return true
}

// closeOpen answers what is still open when the instance has stopped.
func (r *Running) closeOpen() {
	r.openMu.Lock()
	open := r.open
	r.open = map[uint64]openCall{}
	r.openMu.Unlock()
	for _, o := range open {
		o.in.reply(&frame{kind: graph.ErrorMsg, call: o.call, reason: graph.Lost, detail: "the instance has stopped"}, o.until)
		o.in.owed.Add(-1)
	}
}
