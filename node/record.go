package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/merograph/merograph/graph"
)

// RecordingLimit is how long a recording may be where nobody says otherwise, in bytes.
const RecordingLimit = 1 << 30

const nodeStopped = "the node stopped"

// WithRecording has the node record what its host gives its programs, into a new file that only its owner may read, until it
// would be longer than most bytes. The file holds what others send, the requests of the node and the secret of the network,
// and no private key. Start fails when the file is there already. docs/formats/recording.md says what is in it.
func WithRecording(file string, most int64) Option {
	return func(s *settings) { s.record, s.most = file, most }
}

// openRecording begins the recording, before anything that is recorded.
func (n *Node) openRecording() error {
	name := n.set.record
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the recording %s is there already: choose another file, or remove that one", name)
	}
	if err != nil {
		return fmt.Errorf("the recording cannot be written: %w; choose another file with --record", err)
	}
	wake := make(chan struct{}, 1)
	n.recording = graph.NewRecording(n.set.most, func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	done := make(chan error, 1)
	go func() { done <- writeRecording(n.recording, f, wake, n.state) }()
	n.onStop(func(context.Context) error {
		n.recording.End(nodeStopped)
		return <-done
	})
	return nil
}

// A recordingFile is an os.File.
type recordingFile interface {
	io.WriteCloser
	Name() string
	Sync() error
}

// writeRecording writes what is recorded until the recording has ended. When that is before the node stops, status says so.
func writeRecording(r *graph.Recording, f recordingFile, wake <-chan struct{}, s *State) error {
	var failed error
	for more := true; more; {
		var b []byte
		b, more = r.Take()
		if failed == nil { // nothing may stand behind a frame that is not whole
			if _, failed = f.Write(b); failed != nil {
				r.End("the file could not be written")
			}
		}
		if more {
			<-wake
		}
	}
	why := r.Ended()
	if failed != nil {
		why = failed.Error()
	}
	if why != nodeStopped {
		s.Problem("recording", fmt.Sprintf("the recording %s ended early: %s; the node runs on without it", filepath.Base(f.Name()), why))
	}
	return errors.Join(f.Sync(), f.Close())
}
