package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/merograph/merograph/dag"
)

// An Index keeps the places of deltas in Pebble. It is derived from the log, so nothing of it is synced: a batch and the
// mark that it stands at are one atomic write, and what a crash loses is indexed again. Safe for concurrent use.
type Index struct{ db *pebble.DB }

var (
	_ dag.Index = (*Index)(nil)

	markKey = []byte("m")
	idKey   = byte('i')
)

// OpenIndex opens the index in a directory, which it makes when there is none.
func OpenIndex(dir string) (*Index, error) {
	db, err := pebble.Open(dir, &pebble.Options{
		Logger:                quiet{},
		MemTableSize:          4 << 20,
		CacheSize:             8 << 20,
		MaxOpenFiles:          200,
		DisableWAL:            false,
		FormatMajorVersion:    pebble.FormatNewest,
		L0CompactionThreshold: 4,
	})
	if err != nil {
		return nil, fmt.Errorf("open the index in %s: %w; it is derived from the log, so the folder may be removed", dir, err)
	}
	return &Index{db}, nil
}

// Close closes the index.
func (x *Index) Close() error { return x.db.Close() }

// Mark implements dag.Index.
func (x *Index) Mark() (m dag.Mark, err error) {
	v, closer, err := x.db.Get(markKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return dag.Mark{}, nil
	}
	if err != nil {
		return dag.Mark{}, err
	}
	defer closer.Close()
	if len(v) != 44 {
		return dag.Mark{}, fmt.Errorf("the index's mark has %d bytes and not 44: remove the index, it is derived from the log", len(v))
	}
	copy(m.Log[:], v)
	m.Start = int64(binary.BigEndian.Uint64(v[16:]))
	m.End = int64(binary.BigEndian.Uint64(v[24:]))
	m.Sequence = binary.BigEndian.Uint64(v[32:])
	m.CRC = binary.BigEndian.Uint32(v[40:])
	return m, nil
}

// Put implements dag.Index.
func (x *Index) Put(batch []dag.Located, m dag.Mark) error {
	b := x.db.NewBatch()
	defer b.Close()
	var key [33]byte
	key[0] = idKey
	for _, l := range batch {
		copy(key[1:], l.ID[:])
		var v [12]byte
		binary.BigEndian.PutUint64(v[:], uint64(l.Place.Offset))
		binary.BigEndian.PutUint32(v[8:], uint32(l.Place.Size))
		if err := b.Set(key[:], v[:], nil); err != nil {
			return err
		}
	}
	v := make([]byte, 0, 44)
	v = append(v, m.Log[:]...)
	v = binary.BigEndian.AppendUint64(v, uint64(m.Start))
	v = binary.BigEndian.AppendUint64(v, uint64(m.End))
	v = binary.BigEndian.AppendUint64(v, m.Sequence)
	v = binary.BigEndian.AppendUint32(v, m.CRC)
	if err := b.Set(markKey, v, nil); err != nil {
		return err
	}
	return b.Commit(pebble.NoSync)
}

// Get implements dag.Index.
func (x *Index) Get(id dag.ID) (p dag.Place, ok bool, err error) {
	v, closer, err := x.db.Get(append([]byte{idKey}, id[:]...))
	if errors.Is(err, pebble.ErrNotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	defer closer.Close()
	if len(v) != 12 {
		return p, false, fmt.Errorf("the index holds %d bytes for %s and not 12: remove the index, it is derived from the log", len(v), id)
	}
	return dag.Place{Offset: int64(binary.BigEndian.Uint64(v)), Size: int(binary.BigEndian.Uint32(v[8:]))}, true, nil
}

// Reset implements dag.Index.
func (x *Index) Reset() error {
	return x.db.DeleteRange([]byte{0}, []byte{0xff}, pebble.NoSync)
}

// quiet keeps Pebble from writing to the standard logger; its errors are returned by its calls.
type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf("pebble: "+format, a...)) }
