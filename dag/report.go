package dag

import "errors"

// What the methods of a Journal return, wrapped in a sentence.
var (
	// ErrUnknownContext: neither founded nor joined here.
	ErrUnknownContext = errors.New("unknown context")
	// ErrNoGenesis: joined, and its genesis has not arrived yet.
	ErrNoGenesis = errors.New("the genesis of the context has not arrived yet")
	// ErrNotMember: the key is neither the founder's nor granted in the delta's past.
	ErrNotMember = errors.New("not a member of the context")
	// ErrNotAllowed: the key's role does not allow this kind of delta.
	ErrNotAllowed = errors.New("the role does not allow it")
	// ErrTooLarge: a payload, a version or a page over its bound.
	ErrTooLarge = errors.New("too large")
	// ErrUnknownParent: Edit.Parents names a delta that is not held.
	ErrUnknownParent = errors.New("a named parent is not held")
	// ErrClock: the wall clock, or a parent, stands in the year 9999.
	ErrClock = errors.New("the clock is not before the year 9999")
	// ErrUnknownOutcome: the sync failed, so the write may or may not be there after the journal is opened again.
	ErrUnknownOutcome = errors.New("the outcome is unknown")
	// ErrNotWritten: the group's turn did not come, or there was no room for it (a full disk): nothing of it is in the log, nor
	// will be when the journal is opened again.
	ErrNotWritten = errors.New("nothing of it was written")
	// ErrStopped: an earlier sync failed; the journal takes no writes until it is opened again.
	ErrStopped = errors.New("the journal is stopped after a failure; open it again")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the journal is closed")
	// ErrDamaged: a record that was read back does not match its checksum.
	ErrDamaged = errors.New("the log is damaged here")
)

// Damage is a place of the log whose contents are lost, before the end that was known to be synced. It was not applied.
type Damage struct {
	// Segment is the number of the segment's file, from 0.
	Segment int
	// Offset is in bytes from the beginning of that file.
	Offset int64
	// Size is how many bytes are lost from there on; of a log that ends too early, how many are missing, in later segments too.
	Size int64
	// Reason is one sentence.
	Reason string

	proof Mark // of a log that ends too early: the group that was synced there
}

// Recovery tells what Open found.
type Recovery struct {
	// Records is the number of good records, LastSequence the number of the last record, good or not; from 1.
	Records, LastSequence uint64
	// Cut tells that a torn tail was cut from the end of the log: CutBytes long (up to its last byte that is not
	// zero), for the given Reason. Nothing in it was ever acknowledged.
	Cut      bool
	CutBytes int64
	Reason   string
	// Damage lists what is lost before the synced end.
	Damage []Damage
	// Accepted counts the damaged places that RepairLog was told to accept; Damage does not have them.
	Accepted int
	// Clean tells that the journal was closed cleanly; otherwise every author begins a new chain with its next write.
	Clean bool
	// Copied tells that the files were copied, moved, or put back from a copy: the home's stamp is another one, or the last
	// segment was touched since the clean stop.
	Copied bool
	// Rebuilt tells that the index stood at a mark that is not in this log, and was reset.
	Rebuilt bool
}

// Ingested tells what became of a page.
type Ingested struct {
	// Admitted counts the deltas that were admitted, those that had waited before included.
	Admitted int
	// Duplicate counts those held, or waiting, already.
	Duplicate int
	// Waiting counts those of this page that now wait for their past, those that did before included.
	Waiting int
	// Refused counts the others by reason, sorted.
	Refused []Refusal
	// Missing are the deltas, at most MaxBack and ascending, that this page's stand on and this node has not seen: those of its
	// deltas that were forgotten for want of room included.
	Missing []ID
	// NewIDs are the admitted ones, in log order.
	NewIDs []ID
}

// Stats is a picture of a journal.
type Stats struct {
	// Records and LastSequence are of the synced log; Bytes is its length up to the synced end, over all segments.
	Records, LastSequence uint64
	Bytes                 int64
	// Segments is the number of files.
	Segments int
	// Contexts are sorted by id.
	Contexts []ContextStats
}

// ContextStats is a picture of one context.
type ContextStats struct {
	ID ID
	// Deltas counts the admitted ones, Heads those that no held delta names.
	Deltas, Heads int
	// Waiting counts those that wait for their past.
	Waiting int
	// Chains counts chains, Forks the chains with several branches.
	Chains, Forks int
	// Founded tells that the genesis is held.
	Founded bool
}

// Edit is what a caller writes.
type Edit struct {
	// Kind is KindData or KindGrant, or a kind that this version does not know.
	Kind uint64
	// Payload is at most MaxPayload bytes; the journal keeps it.
	Payload []byte
	// Parents, when nil, are the heads. Otherwise they are exactly the version that the edit was made on, in any
	// order, at most MaxParents; the author's own last delta is in the past anyway and need not be named.
	Parents []ID
}
