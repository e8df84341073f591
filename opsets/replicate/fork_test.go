package replicate

import (
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// DATA 4.1: forks meet. The branches of a deep fork differ by more than the nearest steps of the locator, so the first that is served
// is held already, more than a page of it: that ends no round.
func TestRule4_1_DeepForksMeet(t *testing.T) {
	const trunk, one, other = 30_000, 40_000, 600
	l := lag(t, 2, 100)
	disk := dag.NewMemDisk()
	home := openOn(t, disk)
	home.ctx = l.js[0].ctx
	if err := home.Join(home.ctx); err != nil {
		t.Fatal(err)
	}
	copyTo(t, l.js[0], home, nil)
	write := func(many int) {
		for left := many; left > 0; left -= 200 {
			home.write(t, 1, min(left, 200), 20)
		}
	}
	write(trunk)
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	for i, d := range []*dag.MemDisk{disk.Backup(), disk} {
		home = openOn(t, d)
		home.ctx = l.js[0].ctx
		write([]int{other, one}[i])
		copyTo(t, home, l.js[i], nil)
	}
	l.w.Sent = nil
	l.near.Set([]graph.Peer{"a"})
	l.w.Pass(3 * time.Minute)
	c := costOf(l.w)
	if l.js[0].Digest() != l.js[1].Digest() {
		t.Fatalf("they do not meet, after %+v", c)
	}
	if s := l.js[1].Stats().Contexts; len(s) != 1 || s[0].Forks != 1 {
		t.Errorf("%+v, want one fork", s)
	}
	t.Logf("%d requests, %d bytes", c.trips, c.bytes)
}
