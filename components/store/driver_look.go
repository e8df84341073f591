package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/merograph/merograph/dag"
)

// ReadMark gives the mark of the store in a directory and changes nothing there: the zero Mark when there is no directory. When
// what is there cannot be read, or is of another version, lost says why and the mark is zero: the next Open builds it again.
// Nobody may have the store open.
func ReadMark(dir string) (m dag.Mark, lost, err error) { return readMark(vfs.Default, dir) }

func readMark(files vfs.FS, dir string) (m dag.Mark, lost, err error) {
	if _, err := files.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return m, nil, nil
	}
	o := pebbleOptions(looked{files}, new(fault), memTable)
	o.ReadOnly = true
	db, err := pebble.Open(dir, o)
	if err == nil {
		m, err = markOf(&pebbleBackend{db: db, fault: new(fault)})
		err = errors.Join(err, db.Close())
	}
	switch {
	case err == nil:
		return m, nil, nil
	case unreadable(err):
		return dag.Mark{}, err, nil
	}
	return dag.Mark{}, nil, fmt.Errorf("read the store in %s: %w; it is derived from the log, so the folder may be removed", dir, err)
}

// markOf reads the mark of a store of this version.
func markOf(b Backend) (dag.Mark, error) {
	v, ok, err := b.Get(markKey)
	if err != nil || !ok { // nothing of it reached the disk before a crash
		return dag.Mark{}, err
	}
	if known, err := ours(b); err != nil {
		return dag.Mark{}, err
	} else if !known {
		return dag.Mark{}, errors.New("it is of another version")
	}
	return decodeMark(v)
}

// looked is a file system that nothing is changed in. Its lock is free: who looks has the home's.
type looked struct{ vfs.FS }

var errLooked = errors.New("the store is only looked at")

// Create implements vfs.FS.
func (looked) Create(string, vfs.DiskWriteCategory) (vfs.File, error) { return nil, errLooked }

// Link implements vfs.FS.
func (looked) Link(string, string) error { return errLooked }

// OpenReadWrite implements vfs.FS.
func (looked) OpenReadWrite(string, vfs.DiskWriteCategory, ...vfs.OpenOption) (vfs.File, error) {
	return nil, errLooked
}

// Remove implements vfs.FS.
func (looked) Remove(string) error { return errLooked }

// RemoveAll implements vfs.FS.
func (looked) RemoveAll(string) error { return errLooked }

// Rename implements vfs.FS.
func (looked) Rename(string, string) error { return errLooked }

// ReuseForWrite implements vfs.FS.
func (looked) ReuseForWrite(string, string, vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, errLooked
}

// MkdirAll implements vfs.FS.
func (looked) MkdirAll(string, os.FileMode) error { return errLooked }

// Lock implements vfs.FS.
func (looked) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }
