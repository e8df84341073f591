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

// Cohort tells of all registered peers: on the coordinator from its own table, on a peer read from the coordinators that have
// registered it, page by page, until ctx ends. When none of them gives it whole, those are told that this node knows.
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
	all, whole := map[graph.Peer]PeerEntry{}, false
	var errs []string
	for _, server := range registrars(leases()) {
		page, err := cohortOf(ctx, r, server, globalregistry.MaxPage)
		for _, e := range page {
			all[e.PeerID] = e
		}
		if whole = whole || err == nil; err != nil {
			errs = append(errs, fmt.Sprintf("%s did not give all: %v", server, err))
		}
	}
	for _, e := range known {
		if have, ok := all[e.PeerID]; ok {
			have.LastSeen = e.LastSeen
			all[e.PeerID] = have
		} else if !whole {
			all[e.PeerID] = e
		}
	}
	c := Cohort{Peers: []PeerEntry{}, Complete: whole, Reason: strings.Join(errs, "; ")}
	if !whole && len(errs) == 0 {
		c.Reason = "no coordinator has registered this node"
	}
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

// cohortOf reads the whole view of a server, in pages of at most n members. What it read before a failure stands.
func cohortOf(ctx context.Context, r *p2p.Running, server graph.Peer, n int) (all []PeerEntry, err error) {
	var cookie []byte
	for {
		want := globalregistry.Turning{Server: server, PageWanted: globalregistry.PageWanted{Cookie: cookie, N: n}}
		page, err := p2p.Ask[globalregistry.Turning, globalregistry.Page](ctx, r, "view", want)
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
		for _, m := range page.Members {
			all = append(all, PeerEntry{PeerID: m.Peer, Addresses: m.Record.Addresses, State: "registered"})
		}
		if len(page.Next) == 0 || string(page.Next) == string(cookie) {
			return all, nil
		}
		cookie = page.Next
	}
}
