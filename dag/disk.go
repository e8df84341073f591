package dag

import (
	"errors"
	"io"
)

// ErrInUse: another journal has the same home open.
var ErrInUse = errors.New("the log is in use by another node")

// Disk is the storage of one home: a flat folder of files. OSDisk is the real one, MemDisk the one that loses what was
// not synced. A journal calls its reads concurrently, and its writes one at a time.
type Disk interface {
	// Lock takes the home for this process until the closer is closed; ErrInUse when it is taken.
	Lock() (io.Closer, error)
	// List gives the names of all files, in any order.
	List() ([]string, error)
	// Create makes a file that did not exist and allocates size bytes, which read as zeros. The name is durable after SyncDir.
	Create(name string, size int64) (File, error)
	// Open opens a file for reading and writing; the error is fs.ErrNotExist when there is none.
	Open(name string) (File, error)
	// SyncDir makes created names durable.
	SyncDir() error
	// Load reads a small file whole; the error is fs.ErrNotExist when there is none.
	Load(name string) ([]byte, error)
	// Save replaces a small file whole, atomically and durably.
	Save(name string, data []byte) error
	// Stamp identifies the place of a file: a copy of the home has another stamp, the same home in place the same one.
	Stamp(name string) (string, error)
	// Touched tells when a file was last written to, in a form that nobody can set: a file that was put back in its place has
	// another one. It is empty where the system does not tell.
	Touched(name string) (string, error)
}

// File is one file of a Disk. Reads may run beside one write.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Written gives a bound of the bytes ever written: what follows, up to the allocated length, reads as zeros.
	Written() (int64, error)
	// Fdatasync returns when all that was written is durable. After an error nothing is known.
	Fdatasync() error
}
