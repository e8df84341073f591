package testnet

import (
	"sync"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// A page is the text of a replay as one node has it.
type page struct {
	r *replay

	mu      sync.Mutex
	entries map[dag.ID]*dag.Entry // admitted
	doc     *crdt.Text            // of what is synced
	synced  int                   // data deltas
	genesis bool
	bad     error
	at      time.Time // when it was complete
}

var _ store.View = (*page)(nil)

func newPage(r *replay) *page {
	return &page{r: r, entries: map[dag.ID]*dag.Entry{}, doc: crdt.NewText()}
}

// Admitted implements store.View.
func (p *page) Admitted(e *dag.Entry) {
	p.mu.Lock()
	p.entries[e.ID] = e
	p.mu.Unlock()
	p.r.tell()
}

// Synced implements store.View.
func (p *page) Synced(entries []*dag.Entry) {
	p.mu.Lock()
	for _, e := range entries {
		switch e.Delta.Kind {
		case dag.KindGenesis:
			p.genesis = true
		case dag.KindData:
			if err := p.doc.Apply(store.StampOf(e), e.Delta.Payload); err != nil {
				p.bad = err
			}
			p.synced++
		}
	}
	if p.synced == len(p.r.trace.txns) && p.at.IsZero() && p.doc.String() == p.r.trace.end {
		p.at = time.Now()
	}
	p.mu.Unlock()
	p.r.tell()
}

// Failed implements store.View.
func (p *page) Failed(err error) {
	p.mu.Lock()
	p.bad = err
	p.mu.Unlock()
	p.r.tell()
}

func (p *page) entry(id dag.ID) *dag.Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entries[id]
}

func (p *page) founded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.genesis
}

func (p *page) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.synced
}

// complete: it holds every transaction, whatever the text.
func (p *page) complete() bool { return p.held() >= len(p.r.trace.txns) }

func (p *page) completeAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *page) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.doc.String()
}
