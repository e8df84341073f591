package testnet

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/merograph/merograph/crdt"
)

// A trace is a recorded editing session: transactions in an order in which parents come first.
type trace struct {
	end    string
	agents int
	txns   []txn
}

// txn is one transaction of an agent.
type txn struct {
	agent   int
	parents []int
	patches []crdt.Patch
}

// maxTrace bounds what a trace may hold unpacked, in bytes.
const maxTrace = 1 << 30

// readTrace reads a trace in the concurrent or the sequential format of josephg/editing-traces, gzipped or not.
func readTrace(file string) (*trace, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	head := make([]byte, 2)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, fmt.Errorf("%s is no trace: %w", file, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		r = z
	}
	var in struct {
		Kind         string
		StartContent string
		EndContent   string
		NumAgents    int
		Txns         []struct {
			Parents []int
			Agent   int
			Patches []patch
		}
	}
	if err := json.NewDecoder(io.LimitReader(r, maxTrace)).Decode(&in); err != nil {
		return nil, fmt.Errorf("%s is no trace: %w", file, err)
	}
	t := &trace{end: in.EndContent, agents: max(1, in.NumAgents)}
	concurrent := in.Kind == "concurrent"
	if in.StartContent != "" {
		t.txns = append(t.txns, txn{patches: []crdt.Patch{{Insert: in.StartContent}}})
	}
	for i, x := range in.Txns {
		at := len(t.txns)
		n := txn{agent: x.Agent, parents: x.Parents}
		if !concurrent && at > 0 {
			n.parents = []int{at - 1}
		}
		for _, p := range n.parents {
			if p < 0 || p >= at {
				return nil, fmt.Errorf("%s: transaction %d names the parent %d, which does not come before it", file, i, p)
			}
		}
		if n.agent < 0 || n.agent >= t.agents {
			return nil, fmt.Errorf("%s: transaction %d is of agent %d, the trace has %d", file, i, n.agent, t.agents)
		}
		for _, p := range x.Patches {
			n.patches = append(n.patches, crdt.Patch(p))
		}
		t.txns = append(t.txns, n)
	}
	if len(t.txns) == 0 {
		return nil, fmt.Errorf("%s has no transactions", file)
	}
	return t, nil
}

// patch reads [position, deleted, inserted].
type patch crdt.Patch

// UnmarshalJSON implements json.Unmarshaler.
func (p *patch) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if len(raw) != 3 {
		return fmt.Errorf("a patch of %d parts: it is [position, deleted, inserted]", len(raw))
	}
	if err := json.Unmarshal(raw[0], &p.Pos); err != nil {
		return err
	}
	if err := json.Unmarshal(raw[1], &p.Deleted); err != nil {
		return err
	}
	return json.Unmarshal(raw[2], &p.Insert)
}
