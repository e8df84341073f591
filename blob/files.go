package blob

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// tempPrefix begins the names of files that are not whole yet.
const tempPrefix = "tmp-"

// files is the directory of a store. Safe for concurrent use.
type files interface {
	create() (name string, f file, err error) // a new file, named with tempPrefix
	open(name string) (file, error)           // for reading; os.ErrNotExist
	rename(from, to string) error             // replaces to
	remove(name string) error
	list() ([]entry, error)
	sync() error // makes creations, renames and removals durable
}

type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
}

type entry struct {
	name string
	size int64
}

// disk is a directory of the file system.
type disk string

func openDisk(dir string) (disk, error) {
	_, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		return disk(dir), disk(filepath.Dir(dir)).sync()
	}
	return disk(dir), err
}

func (d disk) path(name string) string { return filepath.Join(string(d), name) }

func (d disk) create() (string, file, error) {
	f, err := os.CreateTemp(string(d), tempPrefix+"*")
	if err != nil {
		return "", nil, err
	}
	return filepath.Base(f.Name()), f, nil
}

func (d disk) open(name string) (file, error) { return os.Open(d.path(name)) }
func (d disk) rename(from, to string) error   { return os.Rename(d.path(from), d.path(to)) }
func (d disk) remove(name string) error       { return os.Remove(d.path(name)) }

func (d disk) list() ([]entry, error) {
	dir, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, e := range dir {
		if !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		out = append(out, entry{e.Name(), info.Size()})
	}
	return out, nil
}

func (d disk) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// isTemp reports whether a file is what a crash left of an Add or a Receiver.
func isTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }
