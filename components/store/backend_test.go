package store_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/components/store/storetest"
)

// pebblePlace keeps Pebble's files on a disk in memory that forgets what was not synced.
type pebblePlace struct {
	mu    sync.Mutex
	files *vfs.MemFS
}

// Open implements storetest.Place.
func (p *pebblePlace) Open() (store.Backend, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return store.OpenPebbleSmall(p.files, "store")
}

// Crash implements storetest.Place.
func (p *pebblePlace) Crash(seed uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files = p.files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(seed*25) % 101, RNG: rand.New(rand.NewPCG(seed, 0))})
}

// DESIGN 8: the backend in use passes what another one must pass.
func TestPebbleIsABackend(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Place { return &pebblePlace{files: vfs.NewCrashableMem()} })
}
