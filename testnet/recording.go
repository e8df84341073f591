package testnet

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
	"github.com/merograph/merograph/sim"
)

// recordTo has the nodes that are started from now on record into a folder, which is made.
func (n *network) recordTo(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder for the recordings cannot be made: %w", err)
	}
	n.record = dir
	return nil
}

// SimReplay runs a recording of a node again. Of its options only Trace counts. The report's wall seconds are measured here.
func SimReplay(file string, o SimOptions) (*sim.ReplayReport, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the recording: %w", err)
	}
	defer f.Close()
	begin := time.Now()
	r, err := sim.Replay(f, sim.ReplayOptions{Graphs: node.Protocols(), Trace: o.Trace})
	if errors.Is(err, graph.ErrNoRecording) {
		return nil, fmt.Errorf("%s is no recording of merod run --record: %w", file, err)
	}
	if err != nil {
		return nil, err
	}
	r.WallSeconds = time.Since(begin).Seconds()
	return r, nil
}
