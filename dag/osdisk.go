package dag

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// osDisk is a folder of the operating system.
type osDisk struct{ dir string }

// OSDisk gives the disk of a folder, which is made (0700) when a journal opens it. Files are 0600. Fdatasync is
// fdatasync(2) on Linux and a full file sync elsewhere; the lock is flock(2) where there is one.
func OSDisk(dir string) Disk { return &osDisk{dir: dir} }

func (d *osDisk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *osDisk) Lock() (io.Closer, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	return lockFile(d.path("lock"))
}

func (d *osDisk) List() ([]string, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d *osDisk) Create(name string, size int64) (File, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := allocate(f, size); err != nil {
		f.Close()
		os.Remove(d.path(name))
		return nil, fmt.Errorf("allocate %d bytes for %s: %w", size, d.path(name), err)
	}
	return &osFile{f}, nil
}

func (d *osDisk) Open(name string) (File, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &osFile{f}, nil
}

func (d *osDisk) SyncDir() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFolder(f)
}

func (d *osDisk) Load(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

func (d *osDisk) Save(name string, data []byte) error {
	f, err := os.CreateTemp(d.dir, name+".new")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), d.path(name))
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return d.SyncDir()
}

func (d *osDisk) Stamp(name string) (string, error) { return stampFile(d.path(name)) }

func (d *osDisk) Touched(name string) (string, error) { return touchedFile(d.path(name)) }

type osFile struct{ *os.File }

// Written implements File: the length of the file.
func (f *osFile) Written() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Fdatasync implements File.
func (f *osFile) Fdatasync() error { return fdatasync(f.File) }
