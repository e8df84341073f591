package bench

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"go.etcd.io/bbolt"
)

const (
	valueLen = 1 << 10
	keys     = 1 << 13 // that the writers of a store write in turn
)

// unsigned is a signer of zeros: a journal does not check what its own signer gives.
type unsigned struct{ dag.Signer }

func (unsigned) Sign([]byte) ([]byte, error) { return make([]byte, dag.SigLen), nil }

// counted counts the syncs of a disk's files.
type counted struct {
	dag.Disk
	syncs *atomic.Int64
}

func (c counted) wrap(f dag.File, err error) (dag.File, error) {
	if err != nil {
		return nil, err
	}
	return countedFile{f, c.syncs}, nil
}

func (c counted) Create(name string, size int64) (dag.File, error) {
	return c.wrap(c.Disk.Create(name, size))
}

func (c counted) Open(name string) (dag.File, error) { return c.wrap(c.Disk.Open(name)) }

type countedFile struct {
	dag.File
	syncs *atomic.Int64
}

func (f countedFile) Fdatasync() error {
	f.syncs.Add(1)
	return f.File.Fdatasync()
}

// values gives a value for each write, no two alike.
type values struct {
	next atomic.Uint64
	fill [valueLen]byte
}

func newValues() *values {
	v := &values{}
	rand.Read(v.fill[:])
	return v
}

func (v *values) one() (n uint64, value []byte) {
	n = v.next.Add(1)
	value = make([]byte, valueLen)
	copy(value, v.fill[:])
	binary.BigEndian.PutUint64(value, n)
	return n, value
}

// A log is a journal with one context on a disk, and the store over it unless it is bare.
type log struct {
	journal *dag.Journal
	store   *store.Store
	kv      *store.KV
	ctx     dag.ID
	signer  dag.Signer
	syncs   atomic.Int64
}

// openLog opens a log in a folder. With a store it has the index on the disk, as a node has; without, in memory.
func openLog(dir string, signer dag.Signer, withStore bool) (*log, error) {
	l := &log{signer: signer}
	o := dag.Options{Wall: time.Now, Rand: rand.Reader}
	if withStore {
		var err error
		if l.store, _, err = store.Open(filepath.Join(dir, "store")); err != nil {
			return nil, err
		}
		o.Index, o.Observer = l.store, l.store
	}
	var err error
	if l.journal, _, err = dag.Open(counted{dag.OSDisk(filepath.Join(dir, "log")), &l.syncs}, o); err != nil {
		return nil, err
	}
	if known := l.journal.Contexts(); len(known) > 0 {
		l.ctx = known[0]
	} else if l.ctx, err = l.journal.Found(signer, dag.Grant{}); err != nil {
		return nil, err
	}
	if withStore {
		l.kv = l.store.KV(l.journal, signer, l.ctx)
	}
	return l, nil
}

func (l *log) write(value []byte) (*dag.Entry, error) {
	p, err := l.journal.Write(l.ctx, l.signer, dag.Edit{Kind: dag.KindData, Payload: value})
	if err != nil {
		return nil, err
	}
	return p.Wait()
}

func (l *log) close() error {
	err := l.journal.Close()
	if l.store != nil {
		err = errors.Join(err, l.store.Close())
	}
	return err
}

// bolt is the bucket that the peer bbolt writes to.
var bolt = []byte("bench")

// openBolt opens the peer with its defaults, where each transaction that writes is synced.
func openBolt(file string) (*bbolt.DB, error) {
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		return nil, err
	}
	return db, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bolt)
		return err
	})
}

// openPebble opens the peer with a memtable that a short run does not fill, so that it is judged by its log alone.
func openPebble(dir string) (*pebble.DB, error) {
	return pebble.Open(dir, &pebble.Options{Logger: quiet{}, MemTableSize: 64 << 20, FormatMajorVersion: pebble.FormatNewest})
}

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf("pebble: "+format, a...)) }

// spread has writers make n writes between them and gives the first error.
func spread(writers, n int, write func() error) error {
	var (
		wg   sync.WaitGroup
		left atomic.Int64
		errs = make(chan error, writers)
	)
	left.Store(int64(n))
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := write(); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// A tape is a file that one writer appends to, each time with a sync of its data.
type tape struct {
	f      *os.File
	at     int64
	length int64 // at which it begins again; the file stays as it is
}

const tapeLen = 32 << 20

// newTape makes a file: empty, allocated as a log's segment is, or written before with zeros.
func newTape(path, how string) (*tape, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	t := &tape{f: f, length: tapeLen}
	switch how {
	case "append":
		t.length = 1 << 40
	case "allocated":
		err = allocate(f, tapeLen)
	case "overwrite":
		zeros := make([]byte, 1<<20)
		for at := int64(0); at < tapeLen && err == nil; at += int64(len(zeros)) {
			_, err = f.WriteAt(zeros, at)
		}
	}
	return t, errors.Join(err, f.Sync())
}

func (t *tape) write(record []byte) error {
	if t.at+int64(len(record)) > t.length {
		t.at = 0
	}
	if _, err := t.f.WriteAt(record, t.at); err != nil {
		return err
	}
	t.at += int64(len(record))
	return datasync(t.f)
}
