package crdt

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
)

const traceDir = "../../shared/data/editing-traces/"

// trace is a recorded session, in the format of the README beside the traces.
type trace struct {
	StartContent string
	EndContent   string
	NumAgents    int
	Txns         []struct {
		Parents []int
		Agent   int
		Patches []patch
	}
}

type patch struct{ Patch }

func (p *patch) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&p.Pos, &p.Deleted, &p.Insert})
}

func loadTrace(t testing.TB, name string) trace {
	t.Helper()
	f, err := os.Open(traceDir + name + ".json.gz")
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the recorded session %s is not on this machine (looked in %s)", name, traceDir)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var tr trace
	if err := json.NewDecoder(z).Decode(&tr); err != nil {
		t.Fatal(err)
	}
	if tr.NumAgents == 0 { // the sequential format: one agent, each transaction after the one before
		tr.NumAgents = 1
		for i := range tr.Txns[1:] {
			tr.Txns[i+1].Parents = []int{i}
		}
	}
	return tr
}

// testDelta is a delta of a test: its stamp and its payload.
type testDelta struct {
	Delta
	payload []byte
}

// makeDelta gives a payload a stamp with a good clock; the id is a hash, as in a real delta.
func makeDelta(author byte, clock uint64, payload []byte) testDelta {
	d := Delta{Ms: clock, Author: [32]byte{author}}
	h := sha256.New()
	h.Write([]byte{author})
	h.Write(binary.BigEndian.AppendUint64(nil, clock))
	h.Write(payload)
	h.Sum(d.ID[:0])
	return testDelta{d, payload}
}

// record replays a session on one document for each agent, and returns its transactions as deltas.
func record(t testing.TB, tr trace) []testDelta {
	t.Helper()
	type agent struct {
		text *Text
		seen []bool
	}
	agents := make([]agent, tr.NumAgents)
	for i := range agents {
		agents[i] = agent{NewText(), make([]bool, len(tr.Txns))}
	}
	deltas := make([]testDelta, len(tr.Txns))
	clocks := make([]uint64, len(tr.Txns))
	var bytes int
	for i, txn := range tr.Txns {
		a := agents[txn.Agent]
		see(t, a.text, a.seen, tr, deltas, txn.Parents)
		patches := make([]Patch, len(txn.Patches))
		for j, p := range txn.Patches {
			patches[j] = p.Patch
		}
		ops, err := a.text.Edit(patches...)
		if err != nil {
			t.Fatalf("transaction %d: %v", i, err)
		}
		payload, err := EncodeOps(ops)
		if err != nil {
			t.Fatalf("transaction %d: %v", i, err)
		}
		for _, p := range txn.Parents {
			clocks[i] = max(clocks[i], clocks[p]+1)
		}
		deltas[i] = makeDelta(byte(txn.Agent+1), clocks[i], payload)
		bytes += len(payload)
		fold(t, a.text, deltas[i])
		a.seen[i] = true
	}
	t.Logf("%d deltas, %d bytes of payload", len(deltas), bytes)
	return deltas
}

// see applies the parents and all before them that a document lacks, oldest first.
func see(t testing.TB, text *Text, seen []bool, tr trace, deltas []testDelta, parents []int) {
	for todo := append([]int(nil), parents...); len(todo) > 0; {
		i := todo[len(todo)-1]
		if seen[i] {
			todo = todo[:len(todo)-1]
			continue
		}
		ready := true
		for _, p := range tr.Txns[i].Parents {
			if !seen[p] {
				todo = append(todo, p)
				ready = false
			}
		}
		if ready {
			seen[i] = true
			fold(t, text, deltas[i])
			todo = todo[:len(todo)-1]
		}
	}
}

func fold(t interface {
	Helper()
	Fatal(...any)
}, text *Text, d testDelta) {
	t.Helper()
	if err := text.Apply(d.Delta, d.payload); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, text *Text, tr trace) {
	t.Helper()
	if text.String() != tr.EndContent || text.Len() != len([]rune(tr.EndContent)) || text.Pending() != 0 {
		t.Fatalf("the text has %d characters and %d pending, and is not the recorded end of %d",
			text.Len(), text.Pending(), len([]rune(tr.EndContent)))
	}
}

// causal gives a random order in which each transaction comes after its parents.
func causal(tr trace, r *rand.Rand) []int {
	children := make([][]int, len(tr.Txns))
	missing := make([]int, len(tr.Txns))
	var ready, order []int
	for i, txn := range tr.Txns {
		missing[i] = len(txn.Parents)
		for _, p := range txn.Parents {
			children[p] = append(children[p], i)
		}
		if len(txn.Parents) == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		k := r.IntN(len(ready))
		i := ready[k]
		ready = append(ready[:k], ready[k+1:]...)
		order = append(order, i)
		for _, c := range children[i] {
			if missing[c]--; missing[c] == 0 {
				ready = append(ready, c)
			}
		}
	}
	return order
}

func TestTraceConcurrent(t *testing.T) {
	tr := loadTrace(t, "friendsforever")
	deltas := record(t, tr)
	all := make([]int, len(deltas))
	for i := range all {
		all[i] = i
	}
	r := rand.New(rand.NewPCG(1, 2))
	shuffled := append([]int(nil), all...)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	backward := make([]int, len(all))
	for i := range all {
		backward[i] = len(all) - 1 - i
	}
	nearly := append([]int(nil), all...) // out of order within windows of 100
	for i := 0; i+100 < len(nearly); i += 100 {
		r.Shuffle(100, func(a, b int) { nearly[i+a], nearly[i+b] = nearly[i+b], nearly[i+a] })
	}
	for _, o := range []struct {
		name  string
		order []int
	}{
		{"recorded", all},
		{"causal 1", causal(tr, r)},
		{"causal 2", causal(tr, r)},
		{"nearly in order", nearly},
		{"shuffled", shuffled},
		{"backward", backward},
	} {
		t.Run(o.name, func(t *testing.T) {
			text := NewText()
			for _, i := range o.order {
				fold(t, text, deltas[i])
			}
			wantText(t, text, tr)
		})
	}
}

func TestTraceSequential(t *testing.T) {
	tr := loadTrace(t, "sveltecomponent")
	if tr.StartContent != "" {
		t.Fatal("the test expects a session that begins with nothing")
	}
	deltas := record(t, tr)
	text := NewText()
	for _, d := range deltas {
		fold(t, text, d)
	}
	wantText(t, text, tr)
}

// BenchmarkTraceFold folds a recorded session, decoding included, into one text.
func BenchmarkTraceFold(b *testing.B) {
	for _, name := range []string{"friendsforever", "sveltecomponent"} {
		b.Run(name, func(b *testing.B) {
			tr := loadTrace(b, name)
			deltas := record(b, tr)
			for b.Loop() {
				text := NewText()
				for _, d := range deltas {
					fold(b, text, d)
				}
			}
			b.ReportMetric(float64(len(deltas))*float64(b.N)/b.Elapsed().Seconds(), "deltas/s")
		})
	}
}

// BenchmarkTraceRecord is what the writers do: positions into operations, encoding, and folding into each agent's text.
func BenchmarkTraceRecord(b *testing.B) {
	tr := loadTrace(b, "friendsforever")
	for b.Loop() {
		record(b, tr)
	}
}
