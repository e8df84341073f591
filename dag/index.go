package dag

// Place is where a record stands in the log.
type Place struct {
	// Offset is the position of the record in the whole log: segment number times segment length, and the offset in it.
	Offset int64
	// Size is the length of the record with its header, in bytes.
	Size int
}

// Located is one delta of a batch.
type Located struct {
	ID ID
	// Place is its record's; zero when an earlier batch had it.
	Place Place
	// Context and Entry are of a delta that is admitted and durable now: each is told once, in log order, after its past.
	// Entry is nil while the delta waits for a past that is lost to damage.
	Context ID
	Entry   *Entry
}

// Mark names a committed group of one log: what is derived from the log (the index, a store) carries in its atomic batch
// the mark that it stands at. The zero value is the beginning of any log.
type Mark struct {
	// Log is the id of the log.
	Log [16]byte
	// Start and End are the positions of the group's first byte and of the byte after it.
	Start, End int64
	// CRC is the checksum of the group's header, bound to the log's id, the position and every record.
	CRC uint32
	// Sequence is the number of the last record up to End; records count from 1.
	Sequence uint64
}

// Index finds a delta's record by its id. It is derived: a journal fills it after each sync and after a crash fills in
// what it lacks, so it needs no sync of its own. It must be safe for concurrent use: reads go on beside a Put.
type Index interface {
	// Mark gives the mark of the last Put, the zero Mark when there was none since Reset.
	Mark() (Mark, error)
	// Put adds a batch, and what it derives from the entries, and moves the mark, in one atomic step. It is called by one
	// goroutine at a time, in log order, once for each group, before the observer is told that it is synced; while the
	// journal opens, once for several groups. Ids may be there already: the later place wins. After an error the journal
	// takes no more writes.
	Put(batch []Located, mark Mark) error
	// Get finds an id; ok is false when it is not there.
	Get(id ID) (p Place, ok bool, err error)
	// Reset forgets everything: the mark is not in this log, and all that derives from it must be built again.
	Reset() error
}
