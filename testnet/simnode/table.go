package simnode

import (
	"bytes"
	"slices"

	"github.com/merograph/merograph/components/store"
)

// A table is the store's backend in the simulation: sorted rows in memory, which a crash takes.
type table struct {
	rows   []row
	closed bool
}

type row struct{ key, value []byte }

func (t *table) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(t.rows, key, func(r row, k []byte) int { return bytes.Compare(r.key, k) })
}

// Get implements store.Backend.
func (t *table) Get(key []byte) (value []byte, ok bool, err error) {
	if t.closed {
		return nil, false, store.ErrClosed
	}
	i, ok := t.find(key)
	if !ok {
		return nil, false, nil
	}
	return bytes.Clone(t.rows[i].value), true, nil
}

// Scan implements store.Backend.
func (t *table) Scan(from, to []byte) (store.Cursor, error) {
	if t.closed {
		return nil, store.ErrClosed
	}
	a, _ := t.find(from)
	b := len(t.rows)
	if to != nil {
		b, _ = t.find(to)
	}
	return &cursor{rows: slices.Clone(t.rows[a:max(a, b)]), at: -1}, nil
}

// Apply implements store.Backend.
func (t *table) Apply(changes []store.Change) error {
	if t.closed {
		return store.ErrClosed
	}
	for _, c := range changes {
		i, there := t.find(c.Key)
		switch {
		case c.Below != nil:
			j, _ := t.find(c.Below)
			t.rows = slices.Delete(t.rows, i, max(i, j))
		case c.Value == nil && there:
			t.rows = slices.Delete(t.rows, i, i+1)
		case c.Value == nil:
		case there:
			t.rows[i] = row{t.rows[i].key, append([]byte{}, c.Value...)}
		default:
			t.rows = slices.Insert(t.rows, i, row{bytes.Clone(c.Key), append([]byte{}, c.Value...)})
		}
	}
	return nil
}

// Close implements store.Backend.
func (t *table) Close() error {
	if t.closed {
		return store.ErrClosed
	}
	t.closed = true
	return nil
}

type cursor struct {
	rows []row
	at   int
}

func (c *cursor) Next() bool {
	c.at++
	return c.at < len(c.rows)
}
func (c *cursor) Key() []byte   { return c.rows[c.at].key }
func (c *cursor) Value() []byte { return c.rows[c.at].value }
func (c *cursor) Close() error  { return nil }
