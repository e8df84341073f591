package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// pebbleBackend is a Backend on Pebble. It has no write-ahead log: the node's log is one, and what a crash takes of the
// memory tables is folded again from the mark. So Pebble keeps a prefix of the batches, and Apply never waits for a disk.
type pebbleBackend struct {
	db    *pebble.DB
	fault *fault

	using  sync.RWMutex // a call of Pebble after its Close panics
	closed bool
}

// use is called around each use of the database; done is nil when it is closed.
func (p *pebbleBackend) use() (done func(), err error) {
	p.using.RLock()
	if p.closed {
		p.using.RUnlock()
		return nil, ErrClosed
	}
	return p.using.RUnlock, nil
}

var _ Backend = (*pebbleBackend)(nil)

// memTable bounds what is in memory only, and so what is folded again after a crash, in bytes.
const memTable = 16 << 20

// OpenPebble opens the backend in a directory of a file system, which it makes when there is none. What is there and
// cannot be read is removed, since it is derived; lost is then why.
func OpenPebble(files vfs.FS, dir string) (b Backend, lost, err error) {
	p, err := openPebble(files, dir, memTable)
	if err != nil && unreadable(err) {
		lost = err
		if err = files.RemoveAll(dir); err == nil {
			p, err = openPebble(files, dir, memTable)
		}
	}
	if err != nil {
		return nil, lost, fmt.Errorf("open the store in %s: %w; it is derived from the log, so the folder may be removed", dir, err)
	}
	return p, lost, nil
}

// unreadable tells whether an error is of what is there. What the machine refuses says nothing of that, but that a file is missing.
func unreadable(err error) bool {
	var system syscall.Errno
	return !errors.As(err, &system) || errors.Is(err, fs.ErrNotExist)
}

func openPebble(files vfs.FS, dir string, memTable uint64) (*pebbleBackend, error) {
	f := new(fault)
	db, err := pebble.Open(dir, pebbleOptions(files, f, memTable))
	if err != nil {
		return nil, err
	}
	return &pebbleBackend{db: db, fault: f}, nil
}

func pebbleOptions(files vfs.FS, f *fault, memTable uint64) *pebble.Options {
	o := &pebble.Options{
		FS:                          files,
		Logger:                      f,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 8,        // the fault is seen before this one is reached
		CacheSize:                   64 << 20, // the memory tables count against it
		MaxOpenFiles:                200,
		DisableWAL:                  true,
		FormatMajorVersion:          pebble.FormatNewest,
		L0CompactionThreshold:       4,
		EventListener:               &pebble.EventListener{BackgroundError: f.background},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most ids that are asked for are new
	}
	return o
}

// Get implements Backend.
func (p *pebbleBackend) Get(key []byte) ([]byte, bool, error) {
	done, err := p.use()
	if err != nil {
		return nil, false, err
	}
	defer done()
	v, closer, err := p.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	out := make([]byte, len(v))
	copy(out, v)
	return out, true, closer.Close()
}

// Scan implements Backend.
func (p *pebbleBackend) Scan(from, to []byte) (Cursor, error) {
	done, err := p.use()
	if err != nil {
		return nil, err
	}
	defer done()
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: slices.Clone(from), UpperBound: slices.Clone(to)})
	if err != nil {
		return nil, err
	}
	return &pebbleCursor{it: it}, nil
}

// Apply implements Backend.
func (p *pebbleBackend) Apply(changes []Change) error {
	done, err := p.use()
	if err != nil {
		return err
	}
	defer done()
	if err := p.fault.err(); err != nil {
		return err
	}
	size := 64
	for i := range changes {
		size += len(changes[i].Key) + len(changes[i].Value) + len(changes[i].Below) + 16
	}
	b := p.db.NewBatchWithSize(size)
	defer b.Close()
	for _, c := range changes {
		var err error
		switch {
		case c.Below != nil:
			err = b.DeleteRange(c.Key, c.Below, nil)
		case c.Value == nil:
			err = b.Delete(c.Key, nil)
		default:
			err = b.Set(c.Key, c.Value, nil)
		}
		if err != nil {
			return err
		}
	}
	return b.Commit(pebble.NoSync)
}

// Close implements Backend.
func (p *pebbleBackend) Close() error {
	p.using.Lock()
	defer p.using.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.closed = true
	err := p.fault.err()
	if err == nil {
		err = p.db.Flush()
	}
	return errors.Join(err, p.db.Close())
}

type pebbleCursor struct {
	it      *pebble.Iterator
	started bool
}

// Next implements Cursor.
func (c *pebbleCursor) Next() bool {
	if c.started {
		return c.it.Next()
	}
	c.started = true
	return c.it.First()
}

// Key implements Cursor.
func (c *pebbleCursor) Key() []byte { return c.it.Key() }

// Value implements Cursor.
func (c *pebbleCursor) Value() []byte { return c.it.Value() }

// Close implements Cursor.
func (c *pebbleCursor) Close() error { return c.it.Close() }
