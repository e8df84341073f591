//go:build !linux

package bench

import (
	"os"
	"time"
)

var begun = time.Now()

func inMemory(string) string { return "" }

func datasync(f *os.File) error { return f.Sync() }

func allocate(f *os.File, size int64) error { return f.Truncate(size) }

// spent is the time since the start: elsewhere than on Linux the processor's is not asked for.
func spent() time.Duration { return time.Since(begun) }

// peak is not known here.
func peak() int64 { return 0 }
