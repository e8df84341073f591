package blob

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Receiver is a blob on its way in. Each slice is verified before it is written; when the last missing byte came the blob
// is synced and held. Safe for concurrent use; several Receivers of one id and size work on the same partial file.
type Receiver struct {
	partial *partial
	closed  atomic.Bool
}

// partial is a blob of which not all is there. The lock is not held while slices are verified.
type partial struct {
	store *Store
	key   partialKey
	users int // Receivers that are not closed; under store.mu

	mu      sync.Mutex
	temp    *temp    // nil before the first write, and at the end
	done    bool     // whole, and held by the store
	dead    bool     // given up
	have    []uint64 // bit i: group i is written; no longer than what was verified needs
	missing int64    // groups
}

// partialKey has the size too: one who states a wrong size does not stand in the way of the right one.
type partialKey struct {
	id   ID
	size int64
}

// Receive begins to receive a blob whose size somebody stated, or goes on with what a closed Receiver of this Store left.
// The size is verified with the content: no memory or disk is taken on trust in it. When the blob is held already the
// Receiver is done. The caller ends it with Close or Abort.
func (s *Store) Receive(id ID, size int64) (*Receiver, error) {
	if size < 0 {
		return nil, fmt.Errorf("blob: receive %v: a size of %d bytes: %w", id, size, ErrRange)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.sizes[id]; ok {
		if held != size {
			return nil, fmt.Errorf("blob: receive %v: it has %d bytes, not %d: %w", id, held, size, ErrCorrupt)
		}
		return &Receiver{partial: &partial{store: s, done: true, users: 1}}, nil
	}
	key := partialKey{id, size}
	p := s.partials[key]
	if p == nil {
		p = &partial{store: s, key: key, missing: groups(size)}
		s.partials[key] = p
	}
	p.users++
	return &Receiver{partial: p}, nil
}

// Next tells which bytes to ask for next, at most MaxSlice of them; done says that the blob is whole and held. The end of
// the blob comes first, since it proves the size; then the first bytes that are missing. It gives the same answer until
// a Write changes it. Of the empty blob it asks for no bytes at 0.
func (r *Receiver) Next() (off, length int64, done bool) {
	p := r.partial
	if p.over() {
		return 0, 0, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	const window = MaxSlice / GroupSize
	count := groups(p.key.size)
	first := (count - 1) / window * window
	if p.has(count - 1) {
		first = 0
	}
	for p.has(first) {
		first++
	}
	end := first + 1
	for end < count && end%window != 0 && !p.has(end) {
		end++
	}
	off = first * GroupSize
	return off, min(end*GroupSize, p.key.size) - off, false
}

func (p *partial) has(group int64) bool {
	return group/64 < int64(len(p.have)) && p.have[group/64]&(1<<(group%64)) != 0
}

// Write takes a slice that [Store.ReadSlice] gave for a range that begins at off, whatever its length. When one byte of
// it is wrong, missing or too many, nothing is written and the error wraps ErrCorrupt; the Receiver goes on. (A slice cut
// behind a whole group is the slice of a shorter range, and taken.) Writing what is there already changes nothing. The Write that completes the blob returns when it is synced and held; should that
// fail, what was received is given up. After Close or Abort the error wraps ErrClosed.
func (r *Receiver) Write(off int64, slice []byte) error {
	p := r.partial
	if r.closed.Load() {
		return fmt.Errorf("blob: receive: %w", ErrClosed)
	}
	if p.over() {
		return nil
	}
	v, err := p.verify(off, slice)
	if err != nil {
		return fmt.Errorf("blob: receive %v: %w", p.key.id, err)
	}
	if err := p.write(v); err != nil {
		return fmt.Errorf("blob: receive %v: %w", p.key.id, err)
	}
	return nil
}

// over tells whether the blob is held; also when it came by another way, which ends this one.
func (p *partial) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return true
	}
	if _, held := p.store.Has(p.key.id); !held {
		return false
	}
	if p.temp != nil {
		p.temp.discard()
	}
	p.temp, p.have, p.done = nil, nil, true
	p.store.forget(p)
	return true
}

// verify finds out how many groups a slice must be of, and checks it.
func (p *partial) verify(off int64, slice []byte) (verified, error) {
	size := p.key.size
	if size == 0 && off == 0 {
		return verifyEmpty(p.key.id, slice)
	}
	if off < 0 || off >= size {
		return verified{}, fmt.Errorf("a slice at %d of %d bytes: %w", off, size, ErrRange)
	}
	from := off / GroupSize * GroupSize
	for n := int64(GroupSize); n <= MaxSlice+GroupSize; n += GroupSize {
		length := min(n, size-from)
		if sliceSize(size, from, length) == int64(len(slice)) {
			return verifySlice(p.key.id, size, from, length, slice)
		}
		if length < n {
			break
		}
	}
	return verified{}, fmt.Errorf("a slice of %d bytes at %d of %d has no such length: %w", len(slice), off, size, ErrCorrupt)
}

// verifyEmpty checks the slice of the empty blob, which holds no group that would prove it.
func verifyEmpty(id ID, slice []byte) (verified, error) {
	if len(slice) != sliceHeader || [sliceHeader]byte(slice) != [sliceHeader]byte{} || groupHash(nil, 0, true) != hash(id) {
		return verified{}, fmt.Errorf("%d bytes for the empty blob: %w", len(slice), ErrCorrupt)
	}
	return verified{content: []piece{{}}}, nil
}

// write writes what was verified, and publishes the blob when nothing is missing.
func (p *partial) write(v verified) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return nil
	}
	if p.dead {
		return ErrClosed
	}
	if p.temp == nil {
		t, err := newTemp(p.store.files)
		if err != nil {
			return err
		}
		p.temp = t
	}
	for _, q := range v.parents {
		if _, err := p.temp.tree.WriteAt(q.bytes, q.at); err != nil {
			return err
		}
	}
	for _, q := range v.content {
		group := q.at / GroupSize
		if p.has(group) {
			continue
		}
		if _, err := p.temp.content.WriteAt(q.bytes, q.at); err != nil {
			return err
		}
		for group/64 >= int64(len(p.have)) {
			p.have = append(p.have, 0)
		}
		p.have[group/64] |= 1 << (group % 64)
		p.missing--
	}
	if p.missing > 0 {
		return nil
	}
	err := p.store.publish(p.temp, p.key.id, p.key.size)
	if err != nil {
		p.temp.discard()
	}
	p.temp, p.have, p.done, p.dead = nil, nil, err == nil, err != nil
	p.store.forget(p)
	return err
}

func (s *Store) forget(p *partial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.partials[p.key] == p {
		delete(s.partials, p.key)
	}
}

// Close ends the Receiver and keeps what came so far, for a later Receive of the same id and size, as long as the Store
// lives. Closing twice, or after Abort, does nothing.
func (r *Receiver) Close() error { return r.end(false) }

// Abort ends the Receiver and throws away what came so far, unless another Receiver works on it, or the blob is whole.
func (r *Receiver) Abort() { _ = r.end(true) }

func (r *Receiver) end(abort bool) error {
	if r.closed.Swap(true) {
		return nil
	}
	p, s := r.partial, r.partial.store
	s.mu.Lock()
	p.users--
	last := p.users == 0
	if abort && last && s.partials[p.key] == p {
		delete(s.partials, p.key)
	}
	s.mu.Unlock()
	if !abort || !last {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.temp != nil {
		p.temp.discard()
	}
	p.temp, p.have, p.dead = nil, nil, !p.done
	return nil
}
