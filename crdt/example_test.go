package crdt_test

import (
	"fmt"

	"github.com/merograph/merograph/crdt"
)

// stamp stands for what the log makes of a payload; a real id is the hash of the delta's bytes.
func stamp(id byte, clock uint64) crdt.Delta {
	return crdt.Delta{ID: [32]byte{id}, Ms: clock, Author: [32]byte{id}}
}

func ExampleText() {
	alice, bob := crdt.NewText(), crdt.NewText()
	write := func(author *crdt.Text, p crdt.Patch) []byte {
		ops, err := author.Edit(p)
		if err != nil {
			panic(err)
		}
		payload, err := crdt.EncodeOps(ops)
		if err != nil {
			panic(err)
		}
		return payload
	}
	apply := func(t *crdt.Text, d crdt.Delta, payload []byte) {
		if err := t.Apply(d, payload); err != nil {
			panic(err)
		}
	}

	hello := write(alice, crdt.Patch{Insert: "hello"})
	apply(alice, stamp(1, 1), hello)
	apply(bob, stamp(1, 1), hello)

	// Both write at once.
	world := write(alice, crdt.Patch{Pos: 5, Insert: " world"})
	capital := write(bob, crdt.Patch{Pos: 0, Deleted: 1, Insert: "H"})
	apply(alice, stamp(2, 2), world)
	apply(alice, stamp(3, 2), capital)
	apply(bob, stamp(3, 2), capital)
	apply(bob, stamp(2, 2), world)

	fmt.Println(alice, bob)
	// Output: Hello world Hello world
}

func ExampleMap() {
	var alice, bob crdt.Map
	apply := func(m *crdt.Map, d crdt.Delta, op crdt.Op) {
		if err := m.ApplyOps(d, []crdt.Op{op}); err != nil {
			panic(err)
		}
	}
	first := alice.Put("color", []byte("red"))
	apply(&alice, stamp(1, 1), first)
	apply(&bob, stamp(1, 1), first)

	// Alice removes the key while Bob writes it: the write, which the removal did not see, stays.
	removal, _ := alice.Remove("color")
	second := bob.Put("color", []byte("blue"))
	for _, m := range []*crdt.Map{&alice, &bob} {
		apply(m, stamp(2, 2), removal)
		apply(m, stamp(3, 2), second)
	}
	for e := range alice.List("") {
		fmt.Printf("%s = %s\n", e.Key, e.Value)
	}
	// Output: color = blue
}

func ExampleDoc() {
	alice, bob := crdt.NewDoc(), crdt.NewDoc()
	todo, done := crdt.Root.List("todo"), crdt.Root.Counter("done")
	// A delta of an author with its first payload; the second stands behind the first in the chain.
	write := func(author *crdt.Doc, d, prev crdt.Delta, change func(e *crdt.Draft)) func(to *crdt.Doc) {
		edit := author.Edit(prev.ID)
		change(edit)
		payload, err := edit.Payload()
		if err != nil {
			panic(err)
		}
		return func(to *crdt.Doc) {
			if err := to.Apply(crdt.Carrier{Delta: d, Prev: prev.ID}, payload); err != nil {
				panic(err)
			}
		}
	}
	first := write(alice, stamp(1, 1), crdt.Delta{}, func(e *crdt.Draft) {
		e.Insert(todo, 0, []byte("sleep"), []byte("eat"))
	})
	first(alice)
	first(bob)

	// Both write at once.
	second := write(alice, stamp(2, 2), stamp(1, 1), func(e *crdt.Draft) {
		e.Delete(todo, 0, 1)
		e.Add(done, 1)
	})
	third := write(bob, stamp(3, 2), crdt.Delta{}, func(e *crdt.Draft) {
		e.Insert(todo, 1, []byte("read"))
		e.Add(done, 1)
	})
	second(alice)
	third(alice)
	third(bob)
	second(bob)
	for item := range alice.Items(todo) {
		value, _, _ := alice.Value(todo.Item(item, crdt.KindRegister))
		fmt.Printf("%s\n", value)
	}
	fmt.Println(alice.Total(done), alice.Root() == bob.Root())
	// Output:
	// read
	// eat
	// 2 true
}
