package node

import (
	"fmt"
	"os"
	"path/filepath"
)

// home knows the places in a node's folder.
type home string

func (h home) identity() string { return filepath.Join(string(h), "identity") }
func (h home) log() string      { return LogDir(string(h)) }
func (h home) store() string    { return StoreDir(string(h)) }
func (h home) blobs() string    { return filepath.Join(string(h), "blobs") }

// LogDir is where a home keeps its log.
func LogDir(dir string) string { return filepath.Join(dir, "log") }

// StoreDir is where a home keeps what derives from its log.
func StoreDir(dir string) string { return filepath.Join(dir, "store") }

// APIFile is where a running node of a home keeps the address of its API.
func APIFile(dir string) string { return filepath.Join(dir, "api") }

// TokenFile is where a running node of a home keeps the token of its API; only its owner may read it.
func TokenFile(dir string) string { return filepath.Join(dir, "token") }

// make makes the folders, and finds out at once when the home cannot be written.
func (h home) make() error {
	for _, dir := range []string{string(h), h.log(), h.blobs()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("the home %s cannot be made: %w; choose another with --home", h, err)
		}
	}
	probe, err := os.CreateTemp(string(h), ".probe-*")
	if err != nil {
		return fmt.Errorf("the home %s cannot be written: %w; choose another with --home", h, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}
