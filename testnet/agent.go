package testnet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// write makes the transactions of one agent, each as soon as its node holds the parents, without waiting for the sync of
// the one before. Positions are read at the parents' version; an agent's versions only grow, so one text is enough.
func (r *replay) write(ctx context.Context, agent int) error {
	at := agent % len(r.pages)
	p, s := r.pages[at], r.net.members[at].state()
	cid, ok := s.Context()
	if !ok {
		return fmt.Errorf("its node has no context")
	}
	synced := make(chan *dag.Pending, 1024)
	answered := make(chan error, 1)
	go func() { answered <- r.answer(synced) }()
	doc, applied := crdt.NewText(), make([]bool, len(r.trace.txns))
	err := r.writeAll(ctx, agent, p, s.Journal(), cid, doc, applied, synced)
	close(synced)
	if e := <-answered; err == nil {
		err = e
	}
	return err
}

func (r *replay) writeAll(ctx context.Context, agent int, p *page, j *dag.Journal, cid dag.ID, doc *crdt.Text, applied []bool, synced chan<- *dag.Pending) error {
	for i, t := range r.trace.txns {
		if t.agent != agent {
			continue
		}
		if err := r.await(ctx, func() bool { return r.holds(p, t.parents) }); err != nil {
			return err
		}
		for _, k := range r.past(t.parents, applied) {
			e := p.entry(r.id(k))
			if err := doc.Apply(store.StampOf(e), e.Delta.Payload); err != nil {
				return fmt.Errorf("transaction %d: %w", k, err)
			}
			applied[k] = true
		}
		ops, err := doc.Edit(t.patches...)
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		payload, err := crdt.EncodeOps(ops)
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		parents := []dag.ID{cid}
		if len(t.parents) > 0 {
			parents = nil
			for _, k := range t.parents {
				parents = append(parents, r.id(k))
			}
		}
		pending, err := j.Write(cid, r.signers[agent], dag.Edit{Kind: dag.KindData, Payload: payload, Parents: parents})
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		e := pending.Entry()
		if err := doc.Apply(store.StampOf(e), payload); err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		applied[i] = true
		r.mu.Lock()
		r.ids[i] = e.ID
		r.payload += int64(len(payload))
		r.written++
		r.mu.Unlock()
		r.tell()
		select {
		case synced <- pending:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// answer waits for the syncs, in order.
func (r *replay) answer(synced <-chan *dag.Pending) (err error) {
	for p := range synced {
		if err != nil {
			continue
		}
		if _, err = p.Wait(); err != nil {
			continue
		}
		r.mu.Lock()
		r.last = time.Now()
		r.mu.Unlock()
	}
	return err
}

func (r *replay) id(k int) dag.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ids[k]
}

func (r *replay) holds(p *page, txns []int) bool {
	for _, k := range txns {
		if id := r.id(k); id.IsZero() || p.entry(id) == nil {
			return false
		}
	}
	return true
}

// past gives the transactions that lie in the past of a version and are not applied yet, in the order of the trace.
func (r *replay) past(version []int, applied []bool) []int {
	var out []int
	seen := map[int]bool{}
	for todo := slices.Clone(version); len(todo) > 0; {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if applied[k] || seen[k] {
			continue
		}
		seen[k] = true
		out = append(out, k)
		todo = append(todo, r.trace.txns[k].parents...)
	}
	slices.Sort(out)
	return out
}
