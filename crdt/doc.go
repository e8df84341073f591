// Package crdt holds replicated data types: values that many nodes change at once and that come out equal on every
// node that holds the same set of deltas, whatever the order in which the deltas came, and however often.
//
// There are three: [Register], [Map] and [Text]. A node changes one in two steps. It asks the type for operations
// ([Map.Put], [Map.Remove], [Text.Edit]), which name what the author saw, and encodes them with [EncodeOps] as the
// payload of one delta. Every node, the author's too, then folds the delta with Apply:
//
//	ops, err := text.Edit(crdt.Patch{Pos: 5, Insert: ", world"})
//	payload, err := crdt.EncodeOps(ops)
//	// … a delta is made of the payload; its id is the hash of its bytes …
//	err = text.Apply(crdt.Delta{ID: id, Ms: ms, N: n, Author: author}, payload)
//
// What Apply promises, for every type:
//
//   - The state is a function of the set of deltas applied: order, repetition and grouping change nothing (DATA 7.1).
//   - An error means no effect at all (DATA 1.7): [ErrMalformed] when any operation of the payload is bad, [ErrUnknown]
//     when the payload is of a later format, to be folded again after an upgrade. Both are the same on every node.
//   - An operation may name what is not held yet; it takes effect when the named thing is held (DATA 1.7).
//
// Two writes that did not see each other are decided by [Delta.Compare]: clock, then author, then delta id, the greater
// winning (DATA 1.5).
//
// [Text] is the naive text: a list of identified characters in the order of FugueMax. It is slow, kept simple, and stays
// as the oracle that faster texts are compared with.
//
// Not built, and refused as ErrUnknown when a payload carries them: counter, add-wins set, list, nested maps, operations
// that name their own chain by counts back through prev.
//
// Nothing here is safe for concurrent use by writers: one goroutine may change a value, or many may read it (Text.Edit
// counts as a change: it uses the text as its scratch). The package
// has no I/O, no goroutines, no clock and no randomness. The bytes of a payload are described in
// docs/formats/operations.md.
package crdt
