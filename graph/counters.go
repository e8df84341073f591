package graph

import "cmp"

// A StepCount is what one step did since Start.
type StepCount struct {
	Step    int           `json:"step"` // recording index
	Name    string        `json:"name"`
	Note    string        `json:"note,omitempty"`
	Fired   uint64        `json:"fired"`
	Retried uint64        `json:"retried,omitempty"` // attempts of a call beyond the first
	Failed  []ReasonCount `json:"failed,omitempty"`
}

// A ReasonCount counts failures of one reason.
type ReasonCount struct {
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// Counters is what an instance did since Start.
type Counters struct {
	Ticks       uint64      `json:"ticks"`
	Activations int         `json:"activations"` // open now
	Waiting     int         `json:"waiting"`     // events in the inbox
	Late        uint64      `json:"late"`        // answers that came when nobody waited
	Bytes       int         `json:"bytes"`       // of messages that wait or are worked on
	Steps       []StepCount `json:"steps"`
}

// Counters gives the counts. Between ticks, on the host's goroutine.
func (in *Instance) Counters() Counters {
	c := Counters{Ticks: in.ticks, Activations: len(in.frames), Late: in.late}
	in.box.mu.Lock()
	c.Bytes, c.Waiting = in.box.bytes, in.box.queue.len()+in.box.ours.len()
	c.Late += in.box.late
	in.box.mu.Unlock()
	for i := range in.prog.steps {
		s := in.prog.steps[i].s
		n := StepCount{Step: s.index, Name: s.op, Note: s.note, Fired: in.counts[i].fired, Retried: in.counts[i].retried}
		if f := in.counts[i].failed; f != nil {
			for r, k := range f {
				if k > 0 {
					n.Failed = append(n.Failed, ReasonCount{Reason(r).String(), k})
				}
			}
		}
		c.Steps = append(c.Steps, n)
	}
	return c
}

// FeedOf gives the feed of an exposed table, or nil when the table is not exposed under this name and these types.
func FeedOf[K cmp.Ordered, V any](in *Instance, name string) *Feed[View[K, V]] {
	for i, t := range in.prog.role.tables {
		if t.name == name {
			if r, ok := in.tables[i].(interface{ self() *Rows[K, V] }); ok {
				return r.self().feed
			}
		}
	}
	return nil
}

// SizeOf is the number of rows of a table, or 0 when there is none of this name. Between ticks, on the host's goroutine.
func SizeOf(in *Instance, table string) int {
	for i, t := range in.prog.role.tables {
		if t.name == table {
			return in.tables[i].size()
		}
	}
	return 0
}
