package dag

import "errors"

// glass is a disk that is looked at: it takes writes, and does nothing with them.
type glass struct{ Disk }

func (glass) Create(string, int64) (File, error) {
	return nil, errors.New("the log is only looked at")
}
func (g glass) Open(name string) (File, error) {
	f, err := g.Disk.Open(name)
	if err != nil {
		return nil, err
	}
	return pane{f}, nil
}
func (glass) SyncDir() error            { return nil }
func (glass) Save(string, []byte) error { return nil }

// pane is a file of a glass.
type pane struct{ File }

func (pane) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (pane) Fdatasync() error                       { return nil }

// fixedIndex is an index that only knows where it stands.
type fixedIndex struct{ mark Mark }

func (x fixedIndex) Mark() (Mark, error)       { return x.mark, nil }
func (fixedIndex) Put([]Located, Mark) error   { return nil }
func (fixedIndex) Get(ID) (Place, bool, error) { return Place{}, false, nil }
func (fixedIndex) Reset() error                { return nil }

// noRand gives no randomness.
type noRand struct{}

func (noRand) Read([]byte) (int, error) {
	return 0, errors.New("the log is only looked at")
}
