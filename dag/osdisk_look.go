package dag

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// lookedDisk is a folder of the operating system in which nothing is made or changed.
type lookedDisk struct{ *osDisk }

// OSDiskReadOnly gives the disk of a folder that is only looked at (VerifyLog, DumpLog, Repair.From): nothing in it is made or
// changed, so that it may be of a medium that cannot be written. Its lock is taken when there is one: a folder without one is
// that of a copy, and no journal has it open.
func OSDiskReadOnly(dir string) Disk { return lookedDisk{&osDisk{dir: dir}} }

var errReadOnly = errors.New("the folder is only looked at")

// Lock implements Disk.
func (d lookedDisk) Lock() (io.Closer, error) {
	l, err := lockThere(d.path("lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	return l, err
}

// Create implements Disk.
func (lookedDisk) Create(string, int64) (File, error) { return nil, errReadOnly }

// Open implements Disk.
func (d lookedDisk) Open(name string) (File, error) {
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, err
	}
	return &osFile{f}, nil
}

// SyncDir implements Disk.
func (lookedDisk) SyncDir() error { return errReadOnly }

// Save implements Disk.
func (lookedDisk) Save(string, []byte) error { return errReadOnly }
