package node

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
)

// at starts a node whose wall clock is moved, on a home.
func at(t *testing.T, home string, offset time.Duration, bootstrap []string) *Node {
	t.Helper()
	return configured(t, func(c *Config) {
		c.Home, c.Network.Name, c.Clock.Offset = home, "test", Duration(offset)
		c.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
		if bootstrap != nil {
			c.NodeType, c.Bootstrap = Peer, bootstrap
		}
	})
}

// dates says that a problem shows the clock of an author.
func dates(s, author *State) func() bool {
	return func() bool {
		return slices.ContainsFunc(s.Status().Problems, func(p string) bool {
			return strings.HasPrefix(p, "the clock of "+string(author.ID())+" is more than an hour ahead")
		})
	}
}

// TestRule1_8_ClocksFarAheadAreShown: what is dated far ahead is applied as anything else, and its author is shown, after a
// restart too. Who has seen it wins over it from an earlier clock.
func TestRule1_8_ClocksFarAheadAreShown(t *testing.T) {
	home := t.TempDir()
	early := at(t, home, 0, nil)
	c := early.State()
	late := at(t, t.TempDir(), 2*time.Hour, c.Host().Addrs()).State()
	await(t, late, "membership", member(late))
	if _, err := late.Put("k", []byte("from the future")); err != nil {
		t.Fatal(err)
	}
	await(t, c, "the write", holds(c, "k", "from the future"))
	await(t, c, "its author shown", dates(c, late))
	if dates(late, c)() || dates(c, c)() {
		t.Errorf("others are shown: %v, %v", late.Status().Problems, c.Status().Problems)
	}
	if _, err := c.Put("k", []byte("seen it")); err != nil {
		t.Fatal(err)
	}
	await(t, late, "the later write", holds(late, "k", "seen it"))
	if dates(late, c)() || dates(c, c)() {
		t.Errorf("who goes on from a clock of another is shown: %v, %v", late.Status().Problems, c.Status().Problems)
	}
	if err := early.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := at(t, home, 0, nil).State()
	if !dates(again, late)() {
		t.Errorf("not shown after a restart: %v", again.Status().Problems)
	}
}

// TestRule1_8_WhoIsAhead looks at the times of deltas one by one.
func TestRule1_8_WhoIsAhead(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	news := 0
	a := &ahead{wall: func() time.Time { return now }, changed: func() { news++ }, authors: map[dag.Key]dated{}}
	note := func(author byte, wall, clock time.Duration, n uint64) {
		a.note([]*dag.Entry{{Delta: &dag.Delta{Author: dag.Key{author}, Wall: now.Add(wall).UnixMilli(), Ms: uint64(now.Add(clock).UnixMilli()), N: n}}})
	}
	note(1, time.Hour, time.Hour, 0)
	note(2, 0, 3*time.Hour, 1) // the clock is that of its past
	if got := a.problems(); len(got) != 0 || news != 0 {
		t.Errorf("shown: %v", got)
	}
	note(3, 2*time.Hour, 3*time.Hour, 1)
	note(4, 0, 2*time.Hour, 0) // says another time than it uses
	if got := a.problems(); len(got) != 2 || news != 2 {
		t.Errorf("%d times told, shown: %v", news, got)
	}
	before := a.problems()
	note(3, 2*time.Hour+time.Minute, 3*time.Hour, 2)
	if got := a.problems(); !slices.Equal(got, before) || news != 2 {
		t.Errorf("told again: %v, it was %v", got, before)
	}
	now = now.Add(time.Hour)
	if got := a.problems(); len(got) != 1 {
		t.Errorf("an hour later: %v", got)
	}
	for i := range 3 * mostAhead {
		note(byte(i), 2*time.Hour+time.Duration(i)*time.Minute, 0, 1)
	}
	if got := a.problems(); len(got) != mostAhead || a.authors[dag.Key{3*mostAhead - 1}].last.IsZero() {
		t.Errorf("%d are kept", len(got))
	}
}

// TestClockOffset: the setting moves what a node writes and shows.
func TestClockOffset(t *testing.T) {
	for _, offset := range []time.Duration{-time.Hour, time.Hour} {
		s := at(t, t.TempDir(), offset, nil).State()
		w, err := s.Put("k", nil)
		if err != nil {
			t.Fatal(err)
		}
		e, ok, err := s.Journal().Get(w.Version)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		started, err := time.Parse(time.RFC3339, s.Info().StartedAt)
		if err != nil {
			t.Fatal(err)
		}
		for what, got := range map[string]time.Time{"wall": time.UnixMilli(e.Delta.Wall), "clock": time.UnixMilli(int64(e.Delta.Ms)), "start": started, "Wall": s.Wall()} {
			if off := time.Until(got) - offset; off > 0 || off < -30*time.Minute {
				t.Errorf("%s of a node with the offset %v is off by %v", what, offset, off)
			}
		}
		if !problem(s, "is moved by "+offset.String())() {
			t.Errorf("%v", s.Status().Problems)
		}
	}
}
