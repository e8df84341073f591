// Package crdt holds replicated data types: values that many nodes change at once and that come out equal on every
// node that holds the same set of deltas, whatever the order in which the deltas came, and however often.
//
// A [Doc] is a document: a map of registers, counters, sets, lists and maps, and so on below. A node changes it in two
// steps. A [Draft] turns what the author means into changes that name what the author saw, and gives them as the payload of
// one delta. Every node, the author's too, then folds the delta with Apply:
//
//	doc := crdt.NewDoc()
//	todo := crdt.Root.List("todo")
//	edit := doc.Edit(prev) // the id of the delta before this one in the author's chain
//	edit.Set(crdt.Root.Map("profile").Register("name"), []byte("Ann"))
//	edit.Add(crdt.Root.Counter("visits"), 1)
//	edit.Include(crdt.Root.Set("tags"), "go")
//	edit.Insert(todo, 0, []byte("sleep"), []byte("eat"))
//	payload, err := edit.Payload()
//	// … a delta is made of the payload; its id is the hash of its bytes …
//	err = doc.Apply(crdt.Carrier{Delta: crdt.Delta{ID: id, Ms: ms, N: n, Author: author}, Prev: prev, Person: person}, payload)
//	name, _, ok := doc.Value(crdt.Root.Map("profile").Register("name"))
//	root := doc.Root() // equal on all nodes that hold the same deltas
//
// A place is found by its path, so two authors who make one key at once, without seeing each other, make one place, and what
// both put there is merged. What each kind does when authors did not see each other:
//
//   - register: the last writer by clock is shown. [Doc.Values] gives all that nobody replaced, for rules of one's own.
//   - counter: each amount counts once, of forked chains too. Shares are kept by device, or by person ([Path.PersonCounter]).
//   - set: an addition outlives a removal that did not see it.
//   - map: a key is there as long as something below it is, or a [Draft.Make] of it. A key may hold one place of each kind.
//   - list: items have names for good. What two authors insert at one place does not interleave (FugueMax). A removed
//     item that somebody wrote into, unseen, stays with what was written.
//   - removal names what its author saw, so what it did not see stays.
//
// What Apply promises, for every type:
//
//   - The state is a function of the set of deltas applied: order, repetition and grouping change nothing (DATA 7.1).
//   - An error means no effect at all (DATA 1.7): [ErrMalformed] when any change of the payload is bad, [ErrUnknown]
//     when the payload is of a later format, to be folded again after an upgrade. Both are the same on every node.
//   - A change may name what is not held yet; it takes effect when the named thing is held (DATA 1.7). Until then it is
//     counted to its author ([Doc.Waiting]), who can make others keep no more than in proportion to the bytes sent.
//
// Two writes that did not see each other are decided by [Delta.Compare]: clock, then author, then delta id, the greater
// winning (DATA 1.5).
//
// [Naive] is the oracle of Doc: the same fold in some 300 slow lines, from the set of deltas alone.
//
// Two types stand beside Doc, with payloads of their own (format 1): [Map], a flat map from keys to values, and [Text], the
// naive text, a list of identified characters in the order of FugueMax. Text is slow, kept simple, and stays as the oracle
// that faster texts are compared with; they name everything by full ids. Not built: text within a Doc, and the move of an
// item of a list.
//
// Nothing here is safe for concurrent use by writers: one goroutine may change a value, or many may read it (Text.Edit and
// Doc.Root count as changes). The package has no I/O, no goroutines, no clock and no randomness. The bytes of a payload
// are described in docs/formats/operations.md.
package crdt
