//go:build !unix

package dag

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// lockFile makes the lock's file and removes it at the end. After a crash it has to be removed by hand.
func lockFile(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %s exists; remove it if no node runs", ErrInUse, path)
	}
	if err != nil {
		return nil, err
	}
	return &fileLock{f}, nil
}

// lockThere finds out whether somebody has the lock.
func lockThere(path string) (io.Closer, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %s exists; remove it if no node runs", ErrInUse, path)
}

type fileLock struct{ f *os.File }

func (l *fileLock) Close() error {
	return errors.Join(l.f.Close(), os.Remove(l.f.Name()))
}

// syncFolder: folders cannot be synced here; names are durable when the file system says so.
func syncFolder(*os.File) error { return nil }
