// Package store is the node's key-value store over one context, and the index of its log, on disk.
//
// A KV is the present of a context: a map from keys to values, derived from the deltas that the journal holds. A write is
// folded into an overlay that only the next write sees, appended to the log, synced, and then applied and shown; a read
// is local, and waits for no sync, no write and no peer.
//
//	s, lost, err := store.Open(dir)              // or store.OpenMemory()
//	journal, _, err := dag.Open(dag.OSDisk(logDir), dag.Options{Index: s, Observer: s, …})
//	s.Opened(journal.Contexts(), views)          // who else is to be told
//	kv := s.KV(journal, signer, ctx)
//	put, err := kv.Put("greeting", []byte("hello"))        // durable when it returns
//	for e, err := range kv.List("gre", "") { … }           // in the order of the keys' bytes
//	w, err := kv.Watch("gre", true)                        // w.Present(), then w.Next(ctx)
//
//	mark, lost, err := store.ReadMark(dir)                 // where a store stands that nobody has open; nothing is changed
//
// A Store holds what is derived from the log of a node, for all contexts: the entries, what it takes to fold a late delta
// right, and the places of deltas in the log. A group of the log is one atomic batch, and in it is the mark that all of this
// stands at (DATA 3.3). Nothing of it is synced for its own sake: after a crash the journal tells what lies beyond the mark,
// and after a clean stop it tells nothing. When the mark is not in the log, or the store cannot be read, it is built again.
//
// What is shown under a key is a function of the set of deltas that is held: each put and each removal takes away the
// writes that its author saw, and of those that stay the greatest by clock, author and delta id is shown (DATA 1.5, 7.2). So two
// stores that hold the same deltas are equal byte for byte, but for where the log has them. The bytes are in
// docs/formats/store.md.
//
// A Store stands on a Backend; OpenPebble gives the one in use, and components/store/storetest what another one must pass.
package store
