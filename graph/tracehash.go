package graph

import "math/bits"

// A traceHash rolls over what an instance does. It is the same in every process and on every machine. It finds what parts; it
// proves nothing against somebody who wants two runs to look alike.
type traceHash uint64

func (h *traceHash) word(v uint64) {
	*h = traceHash(bits.RotateLeft64((uint64(*h)^v)*0x9e3779b97f4a7c15, 29))
}

func (h *traceHash) text(s string) {
	sum := uint64(*h)
	for i := range len(s) {
		sum = (sum ^ uint64(s[i])) * 0x100000001b3
	}
	*h = traceHash(sum)
	h.word(uint64(len(s)))
}

func (h *traceHash) bytes(b []byte) {
	h.word(uint64(len(b)))
	for ; len(b) >= 8; b = b[8:] {
		h.word(uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56)
	}
	for _, c := range b {
		h.word(uint64(c))
	}
}

// value takes a value as its codec writes it; one without a codec counts as there.
func (h *traceHash) value(v any) {
	b, err := encMode.Marshal(v)
	if err != nil {
		h.word(1)
		return
	}
	h.bytes(b)
}

func (h *traceHash) failure(f *Failure) {
	h.word(uint64(f.Reason))
	h.text(f.Step)
	h.text(f.Detail)
	h.text(string(f.Peer))
	h.word(uint64(f.RetryAfter))
}

// message takes what leaves, every field of it but Relayed, which the tick's sender says.
func (h *traceHash) message(m *Message) {
	h.word(uint64(m.Kind)<<8 | uint64(m.Reason))
	h.text(m.Channel)
	h.text(string(m.Peer))
	h.text(m.Key)
	h.word(m.Call)
	h.word(m.Once)
	h.word(uint64(m.Remaining))
	h.text(m.Detail)
	h.word(uint64(m.Retry))
	if m.Kind == VerdictMsg {
		h.word(uint64(m.Verdict))
	}
	h.bytes(m.Payload)
}

// tick takes what a tick was and how it ended.
func (h *traceHash) tick(i *TickInfo) {
	h.text(i.Event)
	h.text(i.Origin)
	h.text(string(i.Sender))
	h.word(uint64(i.At))
	h.word(uint64(i.Fired))
	h.word(uint64(i.Effects)<<32 | uint64(uint32(i.Changes)))
	if i.Failure != nil {
		h.failure(i.Failure)
	}
}
