package sim

import (
	"fmt"
	"math/bits"

	"github.com/merograph/merograph/graph"
)

const offset64 = 0xcbf29ce484222325

// A trace rolls a hash over everything that happens. It is stable between processes and machines.
type trace struct {
	sum    uint64
	hashes []uint64
}

func (t *trace) add(v uint64) { t.sum = roll(t.sum, v) }

func roll(h, v uint64) uint64 { return bits.RotateLeft64((h^v)*0x9e3779b97f4a7c15, 29) }

// hashString goes on with h over s.
func hashString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return roll(h, uint64(len(s)))
}

// hashBytes goes on with h over b.
func hashBytes(h uint64, b []byte) uint64 {
	h = roll(h, uint64(len(b)))
	for ; len(b) >= 8; b = b[8:] {
		h = roll(h, uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16|uint64(b[3])<<24|
			uint64(b[4])<<32|uint64(b[5])<<40|uint64(b[6])<<48|uint64(b[7])<<56)
	}
	for _, c := range b {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return h
}

// entry is an event of the scheduler.
func (t *trace) entry(e *entry) {
	if e.kind == doCrash || e.kind == doCut || e.kind == doJump || e.kind == doDisk {
		return // a plan, whose effect, if it has one, is told when it happens
	}
	t.add(uint64(e.at))
	t.add(uint64(e.kind)<<32 | uint64(uint32(e.node)))
}

// taken ends the trace of one event of an instance.
func (t *trace) taken(w *World) {
	if w.events%hashEvery == 0 {
		t.hashes = append(t.hashes, t.sum)
		w.write("%d events, hash %016x", w.events, t.sum)
	}
}

// tick is a tick of an instance.
func (t *trace) tick(w *World, n *Node, i *graph.TickInfo) {
	t.sum = hashString(hashString(t.sum, i.Event), i.Origin)
	t.sum = hashString(t.sum, string(i.Sender))
	t.add(uint64(i.At))
	t.add(uint64(n.index)<<32 | uint64(uint32(i.Fired)))
	t.add(uint64(i.Effects)<<32 | uint64(uint32(i.Changes)))
	if i.Failure != nil {
		t.add(uint64(i.Failure.Reason))
		t.sum = hashString(hashString(t.sum, i.Failure.Step), i.Failure.Detail)
	}
	if w.tracing() {
		w.tells(Step{Node: n.id, What: "takes " + i.Event, Peer: i.Sender, idle: i.Changes == 0 && i.Failure == nil}, "%s took %s", n.id, tickLine(i))
	}
}

// tickLine is a tick as people read it.
func tickLine(i *graph.TickInfo) string {
	from, failed := "", ""
	if i.Sender != "" {
		from = " from " + string(i.Sender)
	}
	if i.Failure != nil {
		failed = ", failed: " + i.Failure.Error()
	}
	return fmt.Sprintf("%s [%s]%s: fired %d, effects %d, changes %d%s", i.Event, i.Origin, from, i.Fired, i.Effects, i.Changes, failed)
}

var kindNames = [...]string{"", "request", "reply", "error", "message", "publication", "cancel", "verdict"}

// sent is a message that leaves; at is when it arrives, or never.
func (t *trace) sent(w *World, p *parcel, at graph.Time) {
	t.sum = hashString(t.sum, p.msg.Channel)
	t.add(uint64(p.from)<<32 | uint64(uint32(p.to)))
	t.add(uint64(p.msg.Kind)<<56 ^ uint64(p.msg.Reason)<<48 ^ uint64(at))
	t.sum = hashBytes(t.sum, p.msg.Payload)
	if w.scenario.Sent != nil {
		w.scenario.Sent(w.nodes[p.from], w.nodes[p.to], &p.msg)
	}
	if w.tracing() {
		w.leaves(p.from, p.to, &p.msg, at)
	}
}

// refused is a message that an instance did not take.
func (t *trace) refused(w *World, n *Node, m *graph.Message, f *graph.Failure) {
	t.add(uint64(f.Reason)<<32 | uint64(uint32(n.index)))
	if w.tracing() {
		w.tells(Step{Node: n.id, What: "refuses", Peer: m.Peer + m.Relay, Channel: m.Channel, Kind: kindNames[m.Kind]},
			"%s refuses %s %s of %s: %v", n.id, kindNames[m.Kind], m.Channel, m.Peer+m.Relay, f)
	}
}

// hop is a copy of a publication that leaves; its id stands for its bytes.
func (t *trace) hop(w *World, h *hop, at graph.Time) {
	t.add(h.pub.id)
	t.add(uint64(h.from)<<32 | uint64(uint32(h.to)))
	t.add(uint64(at))
	if w.tracing() {
		w.leaves(h.from, h.to, &h.pub.msg, at)
	}
}

func (w *World) leaves(from, to int32, m *graph.Message, at graph.Time) {
	arrives := "is lost"
	if at != never {
		arrives = fmt.Sprintf("arrives %d.%09d", at/1e9, at%1e9)
	}
	s := Step{Node: w.nodes[from].id, What: "sends", Peer: w.nodes[to].id, Channel: m.Channel, Kind: kindNames[m.Kind]}
	if w.options.watch != nil && len(m.Payload) > 0 {
		s.Value = readable(m.Payload)
	}
	w.tells(s, "%s → %s %s %s, %d bytes %08x, %s", w.nodes[from].id, w.nodes[to].id, kindNames[m.Kind], m.Channel, len(m.Payload),
		uint32(hashBytes(offset64, m.Payload)), arrives)
}
