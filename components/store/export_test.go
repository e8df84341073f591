package store

import "github.com/cockroachdb/pebble/v2/vfs"

// OpenPebbleSmall opens the backend with memory tables so small that they are often flushed.
func OpenPebbleSmall(files vfs.FS, dir string) (Backend, error) {
	return openPebble(files, dir, 64<<10)
}
