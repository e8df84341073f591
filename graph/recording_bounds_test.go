package graph

import (
	"strings"
	"testing"
)

// TestRecording_WhatAStartNamesIsBounded replays starts of a few bytes for each of very many things, as nobody records them:
// what is decoded is much larger than its bytes.
func TestRecording_WhatAStartNamesIsBounded(t *testing.T) {
	p, err := Compile(lab(), "client")
	if err != nil {
		t.Fatal(err)
	}
	encode := func(v any) []byte {
		b, err := encMode.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// started is a recording of one start.
	started := func(s recordedStart) []byte {
		s.Graph, s.Version, s.Role, s.Program = "lab", 1, "client", p.hash()
		s.Params = []namedValue{{"to", encode(Peer("s"))}}
		body := appendBytes([]byte{frameStart, 1, 0}, encode(&s))
		body = append(append(body, gaveRandom), make([]byte, 8)...)
		return appendRecordFrame([]byte(recordingMagic), append(append(body, gaveNothing), make([]byte, 8)...))
	}
	frames := encode(struct {
		Program [8]byte
		Frames  []*int
	}{p.hash(), make([]*int, 1<<17+1)})
	i := replayed(t, started(recordedStart{Snapshot: frames}), programs(lab)).Instances[0]
	if !strings.Contains(i.Why, "the snapshot does not decode: cbor: exceeded max number of elements") {
		t.Errorf("a snapshot of very many activations: %s", i.Why)
	}
	if r := replayed(t, started(recordedStart{Reads: make([]string, 1<<17+1)}), programs(lab)); r.Damage != "at byte 22: a frame does not decode" {
		t.Errorf("a start of very many reads: damage %q", r.Damage)
	}
}
