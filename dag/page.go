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

	pageVersion = 1
)

// sealed is one delta in a page: its bytes, and a signature or none. Both point into the page.
type sealed struct {
	raw, sig []byte
}

func (s sealed) size() int {
	return 1 + headLen(uint64(len(s.raw))) + len(s.raw) + headLen(uint64(len(s.sig))) + len(s.sig)
}

// pageHead is the greatest length of what a page has besides its deltas and the heads of its runs.
const pageHead = 1 + 1 + 3

// encodePage writes a page: [1, [run, …]], each run an array of [delta, signature or empty].
func encodePage(runs [][]sealed, size int) []byte {
	b := make([]byte, 0, size+16)
	b = appendHead(b, majorArray, 2)
	b = appendHead(b, majorUint, pageVersion)
	b = appendHead(b, majorArray, uint64(len(runs)))
	for _, run := range runs {
		b = appendHead(b, majorArray, uint64(len(run)))
		for _, s := range run {
			b = appendHead(b, majorArray, 2)
			b = appendBytes(b, s.raw)
			b = appendBytes(b, s.sig)
		}
	}
	return b
}

// decodePage reads a page. A page that is over its bounds, cut short or not canonical is refused whole.
func decodePage(b []byte) ([][]sealed, *FormatError) {
	if len(b) > MaxPage {
		return nil, &FormatError{TooLarge, fmt.Sprintf("a page of %d bytes, at most %d are allowed", len(b), MaxPage)}
	}
	r := reader{b: b}
	if n := r.array("the page", 2); r.err == nil && n != 2 {
		r.fail(Malformed, "a page has %d fields, not 2", n)
	}
	if v := r.uint("the page's version"); r.err == nil && v != pageVersion {
		r.fail(Malformed, "the page is of version %d, this program knows version %d", v, pageVersion)
	}
	n := r.array("runs", MaxPageDeltas)
	runs := make([][]sealed, 0, min(n, 256))
	left := MaxPageDeltas
	for i := 0; i < n && r.err == nil; i++ {
		m := r.array("a run", left)
		if r.err == nil && m == 0 {
			r.fail(Malformed, "a run is empty")
		}
		left -= m
		run := make([]sealed, 0, min(m, len(b)/64))
		for k := 0; k < m && r.err == nil; k++ {
			run = append(run, r.sealed())
		}
		runs = append(runs, run)
	}
	r.end("the page")
	if r.err != nil {
		return nil, r.err
	}
	return runs, nil
}

func (r *reader) sealed() sealed {
	if n := r.array("a delta of a run", 2); r.err == nil && n != 2 {
		r.fail(Malformed, "a delta of a run has %d fields, not 2", n)
	}
	s := sealed{raw: r.bytes("a delta", MaxEncoded), sig: r.bytes("a signature", SigLen)}
	if r.err == nil && len(s.sig) != 0 && len(s.sig) != SigLen {
		r.fail(Malformed, "a signature has %d bytes, not 64", len(s.sig))
	}
	return s
}

// Batch gives a page of one run: entries of one chain, each the prev of the next, under the signature on the last. It is
// what gossip pushes of one's own fresh deltas (DATA 5.2); they must be synced. Errors: not such a run, ErrTooLarge.
func (j *Journal) Batch(entries []*Entry) ([]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("dag: batch: it is empty")
	}
	run := make([]sealed, 0, len(entries))
	size := pageHead + 3
	for i, e := range entries {
		if i > 0 && e.Delta.Prev != entries[i-1].ID {
			return nil, errors.New("dag: batch: the entries are not one run of one chain")
		}
		if !j.Has(e.ID) {
			return nil, fmt.Errorf("dag: batch: %v is not synced", e.ID)
		}
		s := sealed{e.Raw, e.Sig}
		run = append(run, s)
		size += s.size()
	}
	if len(run[len(run)-1].sig) == 0 {
		return nil, errors.New("dag: batch: the last entry has no signature")
	}
	if size > MaxPage || len(run) > MaxPageDeltas {
		return nil, fmt.Errorf("dag: batch: %d bytes: %w", size, ErrTooLarge)
	}
	return encodePage([][]sealed{run}, size), nil
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
