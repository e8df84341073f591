package crdt

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// benchDeltas are the deltas of one author, with ids that are not hashes.
func benchDeltas(b *testing.B, n int, edit func(e *Draft, i int)) []docDelta {
	b.Helper()
	doc, prev, out := NewDoc(), [32]byte{}, make([]docDelta, n)
	for i := range out {
		e := doc.Edit(prev)
		edit(e, i)
		payload, err := e.Payload()
		if err != nil {
			b.Fatal(err)
		}
		d := docDelta{Carrier{Delta: Delta{Ms: uint64(i + 1)}, Prev: prev}, payload}
		binary.BigEndian.PutUint64(d.ID[:], uint64(i+1)*0x9e3779b97f4a7c15)
		if err := doc.Apply(d.Carrier, payload); err != nil {
			b.Fatal(err)
		}
		prev, out[i] = d.ID, d
	}
	return out
}

// BenchmarkApply folds 10,000 deltas of one change each, from bytes, into an empty document; per delta, and the payload's
// bytes beside it.
func BenchmarkApply(b *testing.B) {
	l := Root.List("l")
	for name, edit := range map[string]func(e *Draft, i int){
		"register":      func(e *Draft, i int) { e.Set(Root.Register("r"), []byte("value")) },
		"map/100-keys":  func(e *Draft, i int) { e.Set(Root.Map("m").Register(fmt.Sprint(i%100)), []byte("value")) },
		"map/new-keys":  func(e *Draft, i int) { e.Set(Root.Map("m").Register(fmt.Sprint(i)), []byte("value")) },
		"counter":       func(e *Draft, i int) { e.Add(Root.Counter("c"), 1) },
		"set":           func(e *Draft, i int) { e.Include(Root.Set("s"), fmt.Sprint(i%1000)) },
		"list/append":   func(e *Draft, i int) { e.Insert(l, i, []byte("value")) },
		"list/anywhere": func(e *Draft, i int) { e.Insert(l, i*7919%(i+1), []byte("value")) },
	} {
		b.Run(name, func(b *testing.B) {
			const n = 10_000
			deltas, size := benchDeltas(b, n, edit), 0
			for _, d := range deltas {
				size += len(d.payload)
			}
			b.ReportAllocs()
			for b.Loop() {
				doc := NewDoc()
				for i := range deltas {
					if err := doc.Apply(deltas[i].Carrier, deltas[i].payload); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/delta")
			b.ReportMetric(float64(size)/n, "bytes/delta")
		})
	}
}

// BenchmarkHostileInserts is the cost of an insert, by how many there are at one place.
func BenchmarkHostileInserts(b *testing.B) {
	for name, c := range hostilePlaces {
		for _, n := range []int{1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					hostileInserts(b, n, c.rising, c.place)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/insert")
			})
		}
	}
}

// BenchmarkRoot asks for the root after each of many changes of a large document.
func BenchmarkRoot(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			deltas := benchDeltas(b, n, func(e *Draft, i int) { e.Set(Root.Register(fmt.Sprint(i)), []byte("value")) })
			doc := NewDoc()
			for _, d := range deltas {
				_ = doc.Apply(d.Carrier, d.payload)
			}
			doc.Root()
			prev, i := deltas[n-1].ID, 0
			for b.Loop() {
				e := doc.Edit(prev)
				e.Set(Root.Register(fmt.Sprint(i*7919%n)), []byte("other"))
				payload, _ := e.Payload()
				binary.BigEndian.PutUint64(prev[8:], uint64(i+1))
				p := deltas[n-1].ID
				if i > 0 {
					binary.BigEndian.PutUint64(p[8:], uint64(i))
				}
				if err := doc.Apply(Carrier{Delta: Delta{ID: prev, Ms: uint64(n + i + 2)}, Prev: p}, payload); err != nil {
					b.Fatal(err)
				}
				doc.Root()
				i++
			}
		})
	}
}
