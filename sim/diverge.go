package sim

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/merograph/merograph/graph"
)

// hashEvery is how many events lie between two hashes that a report keeps.
const hashEvery = 1000

// Diverge compares the hashes of two runs that should be the same: found is whether they differ, and until how many events,
// a multiple of 1,000, they surely agree. The first difference lies within the next 1,000 events: Options.TraceFrom and
// TraceTo write what happens there. Compare finds the very place.
func Diverge(a, b *Report) (agree uint64, found bool) {
	n := min(len(a.Hashes), len(b.Hashes))
	for i := range n {
		if a.Hashes[i] != b.Hashes[i] {
			return uint64(i) * hashEvery, true
		}
	}
	return uint64(n) * hashEvery, a.TraceHash != b.TraceHash || len(a.Hashes) != len(b.Hashes)
}

// A Difference is the first place at which two runs part.
type Difference struct {
	Events uint64     // that instances had taken before, in both runs
	At     graph.Time // of the world: the time of the last step that is the same
	Before []string   // what both did last, as a trace tells it
	A, B   []string   // the step in which they part
}

// String shows the difference as people read it.
func (d *Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the runs part after %d events, at %d.%09d s\n", d.Events, d.At/1e9, d.At%1e9)
	for _, part := range []struct {
		mark  string
		lines []string
	}{{" ", d.Before}, {"-", d.A}, {"+", d.B}} {
		for _, l := range part.lines {
			fmt.Fprintf(&b, "%s %s\n", part.mark, l)
		}
	}
	return b.String()
}

// Compare runs a scenario twice at the same time, one step of each in turn, and gives the first step in which the runs do
// something else; nil when there is none. It finds what a protocol does by chance, since it needs no second try: give the
// same options twice. The scenario must not share state between runs. The traces of the options are not written.
func Compare(s Scenario, a, b Options) (*Difference, error) {
	var one, two bytes.Buffer
	a.Trace, b.Trace = &one, &two
	v, err := newWorld(s, a)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", s.Name, err)
	}
	w, err := newWorld(s, b)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", s.Name, err)
	}
	d := &Difference{}
	more, moreToo := v.begin(), w.begin()
	for v.err == nil && w.err == nil {
		if more != moreToo || v.trace.sum != w.trace.sum {
			d.A, d.B = linesOf(&one), linesOf(&two)
			return d, nil
		}
		if !more {
			return nil, nil
		}
		d.Events, d.At = w.events, w.now
		d.Before = append(d.Before, linesOf(&one)...)
		d.Before = d.Before[max(0, len(d.Before)-linesBefore):]
		two.Reset()
		more, moreToo = v.step(), w.step()
	}
	if err = v.err; err == nil {
		err = w.err
	}
	return nil, fmt.Errorf("compare %s: %w", s.Name, err)
}

const linesBefore = 10

// linesOf empties a trace.
func linesOf(b *bytes.Buffer) []string {
	text := strings.TrimSuffix(b.String(), "\n")
	b.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
