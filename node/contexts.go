package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/components/outbox"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/p2p"
)

// views gives, once for each context, what a context is folded into: the store, the publisher, and what the options add.
func (s *State) views(ctx dag.ID) []store.View {
	kv := s.store.KV(s.journal, s.signer, ctx)
	s.mu.Lock()
	if s.kv == nil {
		s.kv = kv
	}
	s.mu.Unlock()
	out := []store.View{&publisher{s}, clocks{s.ahead}}
	for _, make := range s.makeViews {
		v := make(s, ctx)
		out = append(out, v)
		s.mu.Lock()
		s.made = append(s.made, madeView{ctx, v})
		s.mu.Unlock()
	}
	return out
}

// madeView is a view that the options added.
type madeView struct {
	ctx  dag.ID
	view store.View
}

// catchUp tells the views that the options added what the log held when it was opened. Nobody writes yet.
func (s *State) catchUp() error {
	for _, m := range s.made {
		err := s.journal.Each(m.ctx, func(e *dag.Entry) error {
			m.view.Admitted(e)
			m.view.Synced([]*dag.Entry{e})
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the log's past: %w", err)
		}
	}
	s.made = nil
	return nil
}

// openContext founds the network's default context on a coordinator's first start.
func (s *State) openContext(g dag.Grant) error {
	ctx, ok := s.Context()
	if !ok && s.cfg.NodeType == Coordinator {
		var err error
		if ctx, err = s.journal.Found(s.signer, g); err != nil {
			return fmt.Errorf("found the context of network %s: %w", s.cfg.Network.Name, err)
		}
		ok = true
	}
	if ok && s.cfg.NodeType == Coordinator {
		s.contextID.Set(ctx.String())
	}
	return nil
}

// learnContext joins the context that the coordinator names. Once joined, a node keeps to it.
func (s *State) learnContext(name string) error {
	ctx, err := dag.ParseID(name)
	if err != nil || ctx.IsZero() {
		return fmt.Errorf("the coordinator names the context %q: %v", name, err)
	}
	if have, ok := s.Context(); ok {
		if have != ctx {
			return fmt.Errorf("the coordinator serves the context %s, this node is in %s: it stays there; use another home to join the other network", ctx, have)
		}
		return nil
	}
	s.store.Begin(ctx)
	if err := s.journal.Join(ctx); err != nil {
		return err
	}
	return s.startReplica(ctx)
}

// startReplica runs the replication of the default context.
func (s *State) startReplica(ctx dag.ID) error {
	r, err := s.startRole(replicate.Protocol(), "peer", Replica(s.journal, ctx, s.host, s.authors, s.cfg.Sync)...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.replica = r
	s.mu.Unlock()
	s.notify()
	return nil
}

// Replica gives what binds the replication of a context to a node: for a program that keeps more contexts than the default
// one. The authors are those that write through this node. A context that is not public, which replicate.Private keeps, needs its members
// beside: a feed "members" of their peer ids, sorted.
func Replica(j *dag.Journal, ctx dag.ID, h *p2p.Host, authors []dag.Key, pace Sync) []graph.Option {
	box := outbox.New(j, ctx, authors, keyOf)
	return []graph.Option{graph.Key(ctx.String()), graph.Bind("log", &contextLog{j, ctx}), graph.Bind("neighbours", h.Connected()),
		graph.Bind("outbox", replicate.Outbox(box)), graph.Bind("pace", pace.pace())}
}

// contextLog is a context of the journal, as replication sees it.
type contextLog struct {
	j   *dag.Journal
	ctx dag.ID
}

var _ replicate.Log = (*contextLog)(nil)

func (l *contextLog) Digest() dag.ID  { return l.j.Digest(l.ctx) }
func (l *contextLog) Tips() []dag.Tip { return l.j.Tips(l.ctx) }
func (l *contextLog) Have() []dag.Tip { return l.j.Have(l.ctx) }

func (l *contextLog) Lacks(ids []dag.ID) bool {
	return slices.ContainsFunc(ids, func(id dag.ID) bool { return !l.j.Has(id) })
}

func (l *contextLog) Ingest(_ context.Context, b replicate.Batch) (replicate.Intake, error) {
	if len(b.Page) == 0 {
		return replicate.Intake{}, nil // the other had nothing that is not here
	}
	in, err := l.j.Ingest(l.ctx, b.Page)
	if err != nil {
		return replicate.Intake{}, err
	}
	return replicate.IntakeOf(in), nil
}

func (l *contextLog) Recent() []dag.ID { return l.j.Recent(l.ctx, dag.MaxBack) }

func (l *contextLog) Back(_ context.Context, g replicate.Gap) (replicate.Batch, error) {
	page, err := l.j.ServeBack(l.ctx, g.Missing, g.Known, dag.MaxBack, replicate.MaxPage)
	return replicate.Batch{Page: page}, err
}

func (l *contextLog) Serve(_ context.Context, h replicate.Have) (replicate.Pages, error) {
	return replicate.ServeFrom(l.j, l.ctx, h, replicate.LotDeltas)
}

func (l *contextLog) Part(_ context.Context, lot replicate.Lot) (replicate.Part, error) {
	return replicate.PartFrom(l.j, l.ctx, lot)
}

// publisher tells others what is written here, as soon as it is synced. What is not told for want of room, catch-up brings.
type publisher struct{ s *State }

var _ store.View = (*publisher)(nil)

// Admitted implements store.View.
func (p *publisher) Admitted(*dag.Entry) {}

// Failed implements store.View.
func (p *publisher) Failed(err error) {
	p.s.Problem("log", fmt.Sprintf("the log stopped: %v; nothing can be written until the node is started again", err))
}

// Synced implements store.View.
func (p *publisher) Synced(entries []*dag.Entry) {
	if slices.ContainsFunc(entries, func(e *dag.Entry) bool { return e.Delta.Kind == dag.KindGrant }) {
		p.s.lookAtMembers()
	}
	p.s.mu.Lock()
	r := p.s.replica
	p.s.mu.Unlock()
	if r == nil {
		return
	}
	var own []*dag.Entry
	for _, e := range entries {
		if p.s.isAuthor(e.Delta.Author) {
			own = append(own, e)
		}
	}
	for _, run := range dag.Runs(own) {
		page, err := p.s.journal.Batch(run)
		if err != nil || len(page) > replicate.MaxBatch {
			continue
		}
		graph.Submit(r.Instance(), "publish", replicate.Batch{Page: page}, 10*time.Second, func(graph.Done, error) {})
	}
}

// admitter grants the keys of registered peers: the coordinator's answer to a registration.
type admitter struct{ s *State }

var _ globalregistry.Members = (*admitter)(nil)

// Admit implements globalregistry.Members.
func (a *admitter) Admit(_ context.Context, m globalregistry.Member) (graph.Done, error) {
	pub, err := p2p.KeyOf(m.Peer)
	if err != nil {
		return graph.Done{}, err
	}
	ctx, ok := a.s.Context()
	key := dag.Key(pub)
	if !ok || a.s.journal.Member(ctx, key) {
		return graph.Done{}, nil
	}
	payload, err := dag.Grant{Keys: []dag.Key{key}, Role: dag.RoleMember}.Encode()
	if err != nil {
		return graph.Done{}, err
	}
	p, err := a.s.journal.Write(ctx, a.s.signer, dag.Edit{Kind: dag.KindGrant, Payload: payload})
	if err != nil {
		return graph.Done{}, err
	}
	_, err = p.Wait()
	return graph.Done{}, err
}

// ErrNotMember says that this node may not write yet.
var ErrNotMember = errors.New("not a member yet")

// notMember is ErrNotMember in a sentence, with the network and the reason.
type notMember struct{ network, why string }

// Error is the sentence.
func (e *notMember) Error() string {
	return fmt.Sprintf("not a member of %s yet: %s", e.network, e.why)
}

// Unwrap is ErrNotMember.
func (e *notMember) Unwrap() error { return ErrNotMember }

// Store is the store of the default context. The error wraps ErrNotMember while a peer has not learned it, and is ErrNotStarted
// before the log is open.
func (s *State) Store() (*store.KV, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal == nil {
		return nil, ErrNotStarted
	}
	if s.kv == nil {
		return nil, &notMember{s.cfg.Network.Name, "no coordinator reached"}
	}
	return s.kv, nil
}
