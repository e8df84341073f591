package store

// A Backend keeps bytes under bytes, in the order of the keys' bytes. Keys are taken as they are: nothing in them is a
// separator, and every key of up to MaxKey and 256 bytes is another one. Safe for concurrent use; Apply is called by one
// goroutine at a time, and reads go on beside it. OpenPebble gives the one that a node uses; another one has to pass
// storetest.
type Backend interface {
	// Get gives the value of a key, in memory that is the caller's; ok is false when there is none.
	Get(key []byte) (value []byte, ok bool, err error)
	// Scan gives the keys from from on and below to, as they stand at the moment of the call. A nil to has no end.
	Scan(from, to []byte) (Cursor, error)
	// Apply makes the changes in their order, all or none of them: no reader sees a part, and after a crash either all of
	// them are there or none, and none unless all that was applied before is there too. It does not have to be durable
	// when it returns. It keeps nothing of the changes.
	Apply(changes []Change) error
	// Close makes all that was applied durable and lets go of the files. No cursor is open any more. The other methods
	// then return ErrClosed, and so does a second Close.
	Close() error
}

// A Cursor goes over keys in their order. It is for one goroutine, and must be closed.
type Cursor interface {
	// Next goes to the next key; at first to the first. It is false at the end, and after an error.
	Next() bool
	// Key and Value are the cursor's own memory until Next or Close.
	Key() []byte
	Value() []byte
	// Close lets go of what the cursor holds, and gives the error that ended it.
	Close() error
}

// A Change sets a key, removes it, or removes all keys from Key on and below Below.
type Change struct {
	Key   []byte
	Value []byte // nil removes; an empty value is not nil
	Below []byte // of a range; then Value is nil
}
