package dag

import (
	"errors"
	"fmt"
)

// The bounds of a page (DATA 4.3).
const (
	// MaxPage is in bytes.
	MaxPage = 1 << 20
	// MaxPageDeltas is in deltas.
	MaxPageDeltas = 16384
	// MaxPageRebuilt bounds the canonical encodings of a page's deltas together, in bytes.
	MaxPageRebuilt = 8 << 20

	pageVersion = 2
	pageHead    = 1 + 32 + 3 // the greatest length of what stands before the runs: version, context, count
	minDelta    = 2          // flags and the payload's length

	maxName = 3 + 32                 // a name that is spelled out; a number of one takes less
	runCut  = 3 + 3                  // the head of a run that goes on with a branch
	runHead = 1 + 4*maxName + 10 + 3 // and of one that begins one: branch, names or a nonce, seq, count
)

// What the flags of a delta in a page say: what follows them, in this order. Without a flag the value is what the delta before
// gives.
const (
	flagMoved   byte = 1 << iota // ms is not that of the delta before
	flagCount                    // n is not one more, or 0 when ms moved
	flagWall                     // wall is not ms
	flagHead                     // version, credential, epoch or kind is not the delta's before
	flagParents                  // there are some
	flagExtra                    // there are fields of a later version
	flagPacked                   // the payload repeats what stands in the window
	flagSigned                   // a signature stands at the end
)

// arrival is one delta that was read from a page, on the branch of the page that it is on. Nothing of it points into the page.
type arrival struct {
	e      *Entry
	branch int
}

// branch is what the deltas of one branch of a chain have in common in a page, and what the next is told apart from. Reader and
// writer keep one for each, and change it in the same way.
type branch struct {
	author, chain, prev ID
	seq                 uint64 // of the next
	nonce               []byte // of the next, when it is the first of its chain
	past                moment // of the delta before it
	version             uint64
	credential          ID
	epoch, kind         uint64
}

// moment is the part of a delta that a clock gives.
type moment struct {
	ms, n uint64
	wall  int64
}

// newBranch gives a branch before its first delta; past is that of the delta before in the page.
func newBranch(ctx ID, past moment) branch {
	return branch{past: past, version: Version1, credential: ctx, kind: KindData}
}

// pass notes the delta that was read or written last.
func (b *branch) pass(id ID, d *Delta) {
	if b.seq == 0 {
		b.chain = id
	}
	b.prev, b.nonce = id, nil
	b.seq++
	b.past = momentOf(d)
	b.version, b.epoch, b.kind = d.Version, d.Epoch, d.Kind
	if d.Kind != KindGenesis { // which names none
		b.credential = d.Credential
	}
}

// follow gives the n of a delta at ms after m, as most have it.
func (m moment) follow(ms uint64) uint64 {
	if ms != m.ms {
		return 0
	}
	return m.n + 1
}

func momentOf(d *Delta) moment { return moment{d.Ms, d.N, d.Wall} }

// zigzag gives small numbers for small differences of either sign.
func zigzag(v uint64) uint64 { return v<<1 ^ uint64(int64(v)>>63) }

func unzigzag(v uint64) uint64 { return v>>1 ^ -(v & 1) }

// Batch gives a page of one run: entries of one chain, each the prev of the next, under the signature on the last. It is
// what gossip pushes of one's own fresh deltas (DATA 5.2); they must be synced. Errors: not such a run, ErrTooLarge.
func (j *Journal) Batch(entries []*Entry) ([]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("dag: batch: it is empty")
	}
	rebuilt := 0
	for i, e := range entries {
		if i > 0 && e.Delta.Prev != entries[i-1].ID {
			return nil, errors.New("dag: batch: the entries are not one run of one chain")
		}
		if !j.Has(e.ID) {
			return nil, fmt.Errorf("dag: batch: %v is not synced", e.ID)
		}
		rebuilt += len(e.Raw)
	}
	if len(entries[len(entries)-1].Sig) == 0 {
		return nil, errors.New("dag: batch: the last entry has no signature")
	}
	if len(entries) > MaxPageDeltas || rebuilt > MaxPageRebuilt {
		return nil, fmt.Errorf("dag: batch: %d deltas, %d bytes: %w", len(entries), rebuilt, ErrTooLarge)
	}
	page := EncodePage(entries[0].Delta.ContextOf(entries[0].ID), [][]*Entry{entries})
	if len(page) > MaxPage {
		return nil, fmt.Errorf("dag: batch: %d bytes: %w", len(page), ErrTooLarge)
	}
	return page, nil
}

// Runs splits entries as Observer.Synced gives them into runs that Batch takes: by chain, in order, each ending in a
// signature and at most some 256 KiB long. What follows the last signature of its chain is left out.
func Runs(entries []*Entry) [][]*Entry {
	var runs [][]*Entry
	open := make(map[ID]int) // last delta of an open run → its place in runs
	sizes := []int{}
	for _, e := range entries {
		at, ok := open[e.Delta.Prev]
		if !ok || e.Delta.Prev.IsZero() {
			at = len(runs)
			runs, sizes = append(runs, nil), append(sizes, 0)
		}
		delete(open, e.Delta.Prev)
		runs[at] = append(runs[at], e)
		if sizes[at] += len(e.Raw); e.Sig == nil || sizes[at] < 256<<10 {
			open[e.ID] = at
		}
	}
	whole := runs[:0]
	for _, run := range runs {
		n := len(run)
		for n > 0 && run[n-1].Sig == nil {
			n--
		}
		if n > 0 {
			whole = append(whole, run[:n])
		}
	}
	return whole
}
