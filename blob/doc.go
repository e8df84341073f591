// Package blob is a content-addressed store of files. A blob's id is the BLAKE3 hash of its bytes, shown as a CIDv1; a
// tree of hashes is kept beside the bytes, so that any part of a blob can be sent with a proof and checked against the id
// as it arrives, before the rest is there.
//
//	store, err := blob.Open("home/blobs")      // or blob.NewMem()
//	id, size, err := store.Add(file)
//
// Another node fetches it slice by slice, in any order and from anybody:
//
//	r, err := store.Receive(id, size)
//	for {
//		off, length, done := r.Next()
//		if done {
//			break
//		}
//		slice := …             // what ReadSlice(id, off, length) gives on a node that has it
//		err = r.Write(off, slice) // refuses one wrong byte, with ErrCorrupt
//	}
//
// Adding and receiving are durable and whole: when Add returns, or Next says done, the bytes are synced and under their
// name; before, no reader sees any of them. What a crash leaves behind is removed by the next Open.
//
// Memory is bounded whatever the size of a blob: by a buffer for each Add, by one slice for each Write, and by one bit
// for each 16 KiB that a Receiver has verified. A Store is safe for concurrent use; one Store at a time may have a directory open.
//
// The layout of files and slices is described in docs/formats/blob.md.
package blob
