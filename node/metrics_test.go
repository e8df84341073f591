package node

import (
	"strings"
	"testing"

	"github.com/merograph/merograph/graph"
)

// counted gives what a metric counts under labels, each name=value.
func counted(t *testing.T, s *State, name string, labels ...string) (n float64) {
	t.Helper()
	families, err := s.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			have := " "
			for _, l := range m.Label {
				have += l.GetName() + "=" + l.GetValue() + " "
			}
			match := f.GetName() == name
			for _, l := range labels {
				match = match && strings.Contains(have, " "+l+" ")
			}
			if match {
				n += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return n
}

// What a program's admission refuses is the program's, and not the transport's too.
func TestAdmissionIsCountedOnce(t *testing.T) {
	s := start(t, t.TempDir(), nil).State()
	if _, err := s.Put("k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	opened(s, &s.replica).Instance().Deliver(graph.Message{Kind: graph.RequestMsg, Channel: "compare", Peer: someone(t), Call: 1, Payload: make([]byte, 4<<20)})
	if n := counted(t, s, "merograph_program_refused_total", "channel=compare", "reason=too large"); n != 1 {
		t.Errorf("the program counts %v of it", n)
	}
	if n := counted(t, s, "merograph_transport_refused_total"); n != 0 {
		t.Errorf("the transport counts %v of it", n)
	}
	if n := s.refused("compare", "too large"); n != 1 {
		t.Errorf("the status counts %d of it", n)
	}
	if n := counted(t, s, "merograph_log_records"); n == 0 {
		t.Error("the log has no records")
	}
}
