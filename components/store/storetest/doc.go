// Package storetest tells whether a store.Backend keeps what the store builds on: bytes as they are, in their order; pictures
// that stand still; batches of which a crash leaves all or nothing, and a later one never without an earlier one.
//
// Our own backend passes it, and so must any other:
//
//	func TestBackend(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Place { return newPlace(t) })
//	}
//
// # A go-datastore as a backend
//
// github.com/ipfs/go-datastore promises less than a Backend: its keys are paths, its Batch is whatever the datastore makes of
// it, and Sync speaks of one prefix. An adapter is some eighty lines:
//
//   - Key: "/" and the key's bytes in lower-case hexadecimal, which keeps their order and has nothing that Clean folds. A
//     datastore that bounds the length of a key bounds ours at half of it.
//   - Get: Get, with ErrNotFound as ok == false, and a copy of the value.
//   - Scan: Query with OrderByKey and filters for both ends. The results have to be a picture of one moment: if the datastore
//     gives a TxnDatastore, query in a read-only transaction.
//   - Apply: one Txn of a TxnDatastore, committed; a range is queried in it, and its keys deleted. A Batching datastore will do
//     only when its Commit is atomic after a crash, which the interface does not say: flatfs and most wrappers are not, Badger
//     and LevelDB are. The crash tests here tell.
//   - Close: Sync of "/", then Close.
//
// Run tells which of this a datastore does not keep. For the crash tests its files have to be on a file system that forgets what
// was not synced, or its process has to be killed and the page cache dropped.
package storetest
