// Package store is the node's key-value store over one context, and the index of its log on disk.
//
// A KV is the present of a context: a map from keys to values, derived from the deltas that the journal holds. A write is
// folded into the overlay that only the next write sees, appended, synced, and then shown; a read is local and waits for
// nothing. A Fold is what the journal tells of its deltas, context by context.
//
//	index, err := store.OpenIndex(dir)
//	fold := store.NewFold()
//	journal, _, err := dag.Open(dag.OSDisk(logDir), dag.Options{Index: index, Observer: fold, …})
//	fold.Opened(func(ctx dag.ID) []store.View { kv = store.NewKV(journal, signer, ctx); return []store.View{kv} })
//	put, err := kv.Put("greeting", []byte("hello"))   // durable when it returns
//
// In this version the present is kept in memory and folded anew from the log at each start; the index is on disk.
package store
