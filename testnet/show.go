package testnet

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// show draws the network, once a second on a terminal and every five seconds elsewhere, until ctx ends.
func (b *board) show(ctx context.Context, o UpOptions, begin time.Time) {
	every := time.Second
	if !o.Live {
		every = 5 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for lines := 0; ; {
		text := b.table(begin, o)
		if o.Live && lines > 0 {
			fmt.Fprintf(o.Out, "\x1b[%dA\x1b[J", lines)
		}
		fmt.Fprint(o.Out, text)
		lines = strings.Count(text, "\n")
		select {
		case <-ctx.Done():
			fmt.Fprintln(o.Out, "\nstopping: waiting for the last writes to reach every node")
			return
		case <-tick.C:
		}
	}
}

// table is what a newcomer reads.
func (b *board) table(begin time.Time, o UpOptions) string {
	var out strings.Builder
	fmt.Fprintf(&out, "A network of %d nodes on this machine, up for %s. Each node writes once a second; every write travels to all.\n\n",
		len(b.net.members), time.Since(begin).Round(time.Second))
	w := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tTYPE\tREADY\tREGISTERED\tCONNECTED\tWROTE\tHOLDS\tAPI")
	for i, m := range b.net.members {
		registered := "serves"
		if i > 0 {
			registered = "not yet"
			if m.registered > 0 {
				registered = fmt.Sprintf("after %d ms", m.registered.Milliseconds())
			}
		}
		b.mu.Lock()
		wrote, holds, why := b.wrote[i], b.holds[i], b.errs[i]
		b.mu.Unlock()
		fmt.Fprintf(w, "%s\t%s\t%d ms\t%s\t%d peers\t%d\t%d entries\t%s\n", m.name, m.state().Config().NodeType, m.ready.Milliseconds(), registered,
			len(m.state().Host().Connected().Get()), wrote, holds, m.state().API())
		if why != "" {
			fmt.Fprintf(w, "\t%s\n", why)
		}
	}
	w.Flush()
	s := b.sum()
	fmt.Fprintf(&out, "\nWrites: %d, of which %d can be read on every node; from answered to readable on all: half within %.1f ms, the slowest %.1f ms.\n",
		s.Writes, s.Converged, s.P50Ms, s.MaxMs)
	last := b.net.members[len(b.net.members)-1]
	fmt.Fprintf(&out, "\nTry, in another terminal:\n  %[1]s store put greeting hello --home %[2]s\n  %[1]s store get greeting --home %[3]s\n  %[1]s status --home %[2]s\nCtrl-C ends it.\n",
		cmp.Or(o.Merod, "merod"), last.home, b.net.members[0].home)
	return out.String()
}
