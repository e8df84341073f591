package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/p2p"
)

// A Cohort is who is registered.
type Cohort struct {
	Peers    []PeerEntry `json:"peers"`
	Complete bool        `json:"complete"`         // all that are registered; else those that this node knows
	Reason   string      `json:"reason,omitempty"` // why it is not complete
}

// cohortTime bounds the reading from all coordinators together; each has its share of what is left.
const cohortTime = 45 * time.Second

// Cohort tells of all registered peers: on the coordinator from its own table, on a peer read from the coordinators that have
// registered it, page by page, until ctx ends and for 45 s at the most. When none of them gives it whole, those are told that this node knows.
func (s *State) Cohort(ctx context.Context) Cohort {
	known := s.Registry()
	if s.cfg.NodeType == Coordinator {
		return s.ownCohort(known)
	}
	s.mu.Lock()
	r, leases := s.registry, s.leases
	s.mu.Unlock()
	if r == nil || leases == nil {
		return Cohort{Peers: known, Reason: "discovery does not run"}
	}
	all, why := readCohorts(ctx, registrars(leases()), func(ctx context.Context, server graph.Peer) ([]PeerEntry, error) {
		return cohortOf(ctx, viewOf(r, server), globalregistry.MaxPage)
	})
	whole := why == ""
	for _, e := range known {
		if have, ok := all[e.PeerID]; ok {
			have.LastSeen = e.LastSeen
			all[e.PeerID] = have
		} else if !whole {
			all[e.PeerID] = e
		}
	}
	c := Cohort{Peers: []PeerEntry{}, Complete: whole, Reason: why}
	for _, e := range all {
		c.Peers = append(c.Peers, e)
	}
	slices.SortFunc(c.Peers, func(a, b PeerEntry) int { return strings.Compare(string(a.PeerID), string(b.PeerID)) })
	return c
}

func (s *State) ownCohort(known []PeerEntry) Cohort {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.registry == nil {
		return Cohort{Peers: known, Reason: "discovery does not run"}
	}
	return Cohort{Peers: known, Complete: true}
}

// readCohorts asks each server for all that it has; why is "" when one of them gave it whole.
func readCohorts(ctx context.Context, servers []graph.Peer, of func(context.Context, graph.Peer) ([]PeerEntry, error)) (all map[graph.Peer]PeerEntry, why string) {
	all = map[graph.Peer]PeerEntry{}
	until, whole, errs := time.Now().Add(cohortTime), false, []string{}
	for i, server := range servers {
		share, cancel := context.WithTimeout(ctx, time.Until(until)/time.Duration(len(servers)-i))
		page, err := of(share, server)
		cancel()
		for _, e := range page {
			all[e.PeerID] = e
		}
		if whole = whole || err == nil; err != nil {
			errs = append(errs, fmt.Sprintf("%s did not give all: %v", server, err))
		}
	}
	switch {
	case whole:
		return all, ""
	case len(errs) == 0:
		return all, "no coordinator has registered this node"
	}
	return all, strings.Join(errs, "; ")
}

// A viewer asks a server for a page.
type viewer func(ctx context.Context, want globalregistry.PageWanted) (globalregistry.Page, error)

func viewOf(r *p2p.Running, server graph.Peer) viewer {
	return func(ctx context.Context, want globalregistry.PageWanted) (globalregistry.Page, error) {
		return p2p.Ask[globalregistry.Turning, globalregistry.Page](ctx, r, "view", globalregistry.Turning{Server: server, PageWanted: want})
	}
}

// cohortOf reads the whole view of a server, in pages of at most n members, and not more of it than a registry holds. What it
// read before a failure stands.
func cohortOf(ctx context.Context, view viewer, n int) (all []PeerEntry, err error) {
	var cookie []byte
	for pages := 0; ; {
		page, err := view(ctx, globalregistry.PageWanted{Cookie: cookie, N: n})
		if f := (*graph.Failure)(nil); errors.As(err, &f) && f.Reason == graph.Busy {
			select {
			case <-time.After(max(f.RetryAfter, 50*time.Millisecond)):
				continue
			case <-ctx.Done():
				return all, ctx.Err()
			}
		}
		if err != nil {
			return all, err
		}
		if pages++; pages > globalregistry.Capacity || len(all)+len(page.Members) > globalregistry.Capacity {
			return all, fmt.Errorf("it tells of more than the %d that a registry holds, in %d pages", globalregistry.Capacity, pages)
		}
		for _, m := range page.Members {
			all = append(all, PeerEntry{PeerID: m.Peer, Addresses: m.Record.Addresses, State: "registered"})
		}
		if len(page.Next) == 0 || string(page.Next) == string(cookie) {
			return all, nil
		}
		cookie = page.Next
	}
}
