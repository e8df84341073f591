package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A fault remembers the first failure of Pebble's own work beside the calls: a disk that is full, a sync that failed. From
// then on nothing is applied, so that writers do not wait for room that never comes. It is Pebble's logger too.
type fault struct {
	mu    sync.Mutex
	first error
}

// retryPause keeps Pebble from trying a flush that failed in a tight loop. Pebble holds a lock meanwhile that reads do
// not need, and writes are refused.
const retryPause = 100 * time.Millisecond

func (f *fault) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first
}

func (f *fault) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = fmt.Errorf("the store on disk cannot be written: %w", err)
	}
}

// background is told what a flush or a compaction met.
func (f *fault) background(err error) {
	f.note(err)
	time.Sleep(retryPause)
}

var _ pebble.Logger = (*fault)(nil)

// Infof implements pebble.Logger.
func (f *fault) Infof(string, ...any) {}

// Errorf implements pebble.Logger: what it tells is returned by a call or told to background too.
func (f *fault) Errorf(string, ...any) {}

// Fatalf implements pebble.Logger. Pebble wants the process to end, since it does not know how much of a version it
// wrote; here the store alone ends, and is built again from the log when it cannot be read.
func (f *fault) Fatalf(format string, a ...any) { f.note(fmt.Errorf(format, a...)) }
