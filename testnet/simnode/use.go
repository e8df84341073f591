package simnode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/sim"
)

// keys is how many keys the users share.
const keys = 24

// wanted has the node used, unless the run is about to end.
func (m *member) wanted() {
	if m.n.World().Left() > settling {
		m.use()
	}
}

// use is what the user of a node does now and then.
func (m *member) use() {
	r := shared(m.n.World())
	if m.journal == nil || !m.journal.Member(r.ctx, m.signer.Public()) {
		return
	}
	switch m.n.RandN("use", 8) {
	case 0:
		m.answered(m.kv.Remove(m.key()))
	case 1:
		m.burst(2 + m.n.RandN("burst", 20))
	default:
		m.answered(m.kv.Put(m.key(), m.value()))
	}
}

func (m *member) key() string { return fmt.Sprintf("key %02d", m.n.RandN("key", keys)) }

// value is short, but for one in eighty that takes many sectors.
func (m *member) value() []byte {
	size := m.n.RandN("size", 300)
	if m.n.RandN("large", 80) == 0 {
		size = m.n.RandN("size", 48<<10)
	}
	return binary.BigEndian.AppendUint64(make([]byte, size), m.n.Rand("value"))
}

// answered notes an answer of the store.
func (m *member) answered(w store.Written, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		m.fails("write", err)
	default:
		m.owe(w.Version)
	}
}

// owe notes that somebody was told that a delta is durable.
func (m *member) owe(id dag.ID) {
	w := m.n.World()
	if !m.journal.Has(id) {
		m.blame(durable, "%v was answered and is not held", id)
	}
	shared(w).acked = append(shared(w).acked, acked{id, m.n.ID(), w.Now()})
}

// burst writes some deltas and waits for their sync a moment later, if the node lives as long.
func (m *member) burst(many int) {
	w, j := m.n.World(), m.journal
	var pending []*dag.Pending
	for range many {
		payload, err := crdt.EncodeOps([]crdt.Op{crdt.Put{Key: m.key(), Value: m.value()}})
		if err != nil {
			m.blame(working, "encode a put: %v", err)
			return
		}
		p, err := j.Write(shared(w).ctx, m.signer, dag.Edit{Kind: dag.KindData, Payload: payload})
		if err != nil {
			m.fails("write", err)
			return
		}
		pending = append(pending, p)
	}
	w.After(time.Duration(m.n.RandN("pause", int(20*time.Millisecond))), m.n, func(n *sim.Node) {
		if m.journal != j {
			return
		}
		for _, p := range pending {
			e, err := p.Wait()
			if err != nil {
				m.fails("sync", err)
				return
			}
			m.owe(e.ID)
		}
	})
}

// grant grants a key; it reports whether that is durable.
func (m *member) grant(k dag.Key) bool {
	w := m.n.World()
	payload, err := dag.Grant{Keys: []dag.Key{k}}.Encode()
	if err != nil || m.journal == nil || !m.journal.Member(shared(w).ctx, m.signer.Public()) || m.signer.Public() != shared(w).keys[0] {
		return false
	}
	p, err := m.journal.Write(shared(w).ctx, m.signer, dag.Edit{Kind: dag.KindGrant, Payload: payload})
	if err == nil {
		_, err = p.Wait()
	}
	if err != nil {
		m.fails("grant", err)
		return false
	}
	m.owe(p.Entry().ID)
	return true
}
