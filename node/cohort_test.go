package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
)

// One coordinator that gives all is enough: then there is no reason to tell, though another does not answer.
func TestCohortOfTwoCoordinators(t *testing.T) {
	a, b := start(t, t.TempDir(), nil), start(t, t.TempDir(), nil)
	p := start(t, t.TempDir(), append(a.State().Host().Addrs(), b.State().Host().Addrs()...)).State()
	await(t, p, "registration with both", func() bool { return len(registrars(p.knownLeases())) == 2 })
	if err := b.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := p.Cohort(t.Context()); !got.Complete || got.Reason != "" || len(got.Peers) != 1 || got.Peers[0].PeerID != p.ID() {
		t.Errorf("%+v", got)
	}
}

// pageOfSome is a page of members that nobody has seen.
func pageOfSome(n, from int, next string) globalregistry.Page {
	p := globalregistry.Page{Next: []byte(next)}
	for i := range n {
		p.Members = append(p.Members, globalregistry.Shown{Peer: graph.Peer(fmt.Sprint(from + i))})
	}
	return p
}

// A server that never ends costs a bounded number of pages and members.
func TestCohortWithoutEnd(t *testing.T) {
	asked := 0
	for name, page := range map[string]func() globalregistry.Page{
		"members":             func() globalregistry.Page { return pageOfSome(globalregistry.MaxPage, asked*100, fmt.Sprint(asked)) },
		"empty pages":         func() globalregistry.Page { return pageOfSome(0, 0, fmt.Sprint(asked)) },
		"cookies in a circle": func() globalregistry.Page { return pageOfSome(1, 0, fmt.Sprint(asked%2)) },
	} {
		asked = 0
		all, err := cohortOf(t.Context(), func(context.Context, globalregistry.PageWanted) (globalregistry.Page, error) {
			asked++
			return page(), nil
		}, globalregistry.MaxPage)
		if err == nil || !strings.Contains(err.Error(), "more than the 16384") || len(all) > globalregistry.Capacity || asked > globalregistry.Capacity+1 {
			t.Errorf("%s: %d members in %d pages, %v", name, len(all), asked, err)
		}
	}
	all, err := cohortOf(t.Context(), func(_ context.Context, w globalregistry.PageWanted) (globalregistry.Page, error) {
		at := 0
		fmt.Sscan(string(w.Cookie), &at)
		next := fmt.Sprint(at + globalregistry.MaxPage)
		if at+globalregistry.MaxPage == globalregistry.Capacity {
			next = ""
		}
		return pageOfSome(globalregistry.MaxPage, at, next), nil
	}, globalregistry.MaxPage)
	if err != nil || len(all) != globalregistry.Capacity {
		t.Errorf("a full registry: %d members, %v", len(all), err)
	}
}

// A server that is always busy takes its share of the time, and the next one has its own.
func TestCohortHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := func(context.Context, globalregistry.PageWanted) (globalregistry.Page, error) {
			return globalregistry.Page{}, graph.Fail(graph.Busy, "later")
		}
		began := time.Now()
		all, why := readCohorts(context.Background(), []graph.Peer{"busy", "good", "late"}, func(ctx context.Context, p graph.Peer) ([]PeerEntry, error) {
			switch p {
			case "busy":
				return cohortOf(ctx, busy, 1)
			case "late":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []PeerEntry{{PeerID: "x"}}, nil
		})
		if took := time.Since(began); took != cohortTime || why != "" || len(all) != 1 {
			t.Errorf("%v, %q after %v", all, why, took)
		}
		if _, why = readCohorts(context.Background(), []graph.Peer{"bad"}, func(context.Context, graph.Peer) ([]PeerEntry, error) { return nil, errors.New("torn") }); why != "bad did not give all: torn" {
			t.Errorf("%q", why)
		}
	})
}
