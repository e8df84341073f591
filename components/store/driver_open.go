package store

import (
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Open opens the store in a directory, which it makes when there is none, on Pebble. What is there and cannot be read is
// removed and comes again from the log; lost is then why.
func Open(dir string) (s *Store, lost, err error) { return openOn(vfs.Default, dir) }

// OpenMemory gives an empty store in memory: the same code over files in memory.
func OpenMemory() (*Store, error) {
	s, _, err := openOn(vfs.NewMem(), "store")
	return s, err
}

func openOn(files vfs.FS, dir string) (*Store, error, error) {
	b, lost, err := OpenPebble(files, dir)
	if err != nil {
		return nil, lost, err
	}
	s, err := New(b)
	if err != nil {
		return nil, lost, errors.Join(err, b.Close())
	}
	return s, lost, nil
}
