package bench

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/merograph/merograph/dag"
)

// opening is what it took to open a log.
type opening struct {
	Records  uint64
	Took     time.Duration
	Resident int64 // the process at its greatest, in bytes; 0 where the system does not tell
}

// million writes a log of n deltas into dir as it lies on the disk while its journal is open.
func million(dir string, n int) error {
	l, err := openLog(filepath.Join(dir, "running"), signerOf(1), false)
	if err != nil {
		return err
	}
	defer l.close()
	for i := range n - 1 { // the genesis is one
		p, err := l.journal.Write(l.ctx, l.signer, dag.Edit{Kind: dag.KindData, Payload: []byte("keystroke")})
		if err != nil {
			return err
		}
		if i%1000 == 999 {
			if _, err := p.Wait(); err != nil {
				return err
			}
		}
	}
	if err := l.journal.Flush(); err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(dir, "stopped"), os.DirFS(filepath.Join(dir, "running", "log")))
}

// reopen opens a log and lets go of it as a crash would: the next one finds it as it was, but for an empty group.
func reopen(dir string) (o opening, err error) {
	begun := time.Now()
	_, rec, err := dag.Open(dag.OSDisk(dir), dag.Options{Wall: time.Now, Rand: noRandom{}})
	o = opening{Records: rec.Records, Took: time.Since(begun), Resident: peak()}
	if err == nil && rec.Clean {
		err = fmt.Errorf("%s was stopped cleanly", dir)
	}
	return o, err
}

// noRandom is for a journal that writes nothing.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// readAll reads the files of a folder, and nothing else.
func readAll(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if _, err := os.ReadFile(filepath.Join(dir, n.Name())); err != nil {
			return err
		}
	}
	return nil
}
