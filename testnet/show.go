package testnet

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// show draws the network, once a second on a terminal and every five seconds elsewhere, until ctx ends.
func (b *board) show(ctx context.Context, o UpOptions, begin time.Time) {
	every := time.Second
	if !o.Live {
		every = 5 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for drawn := ""; ; {
		text := b.table(begin)
		if o.Live || drawn == "" {
			text += b.hints(o)
		}
		if o.Live && drawn != "" {
			fmt.Fprint(o.Out, back(drawn, o.Size))
		}
		fmt.Fprint(o.Out, text)
		drawn = text
		select {
		case <-ctx.Done():
			fmt.Fprintln(o.Out, "\nstopping: waiting for the last writes to reach every node")
			return
		case <-tick.C:
		}
	}
}

// back takes a terminal to where a drawing began and clears what is below; a drawing that is higher than the terminal has
// moved its beginning out, so there the whole screen is cleared.
func back(drawn string, size func() (width, height int)) string {
	width, height := 0, 0
	if size != nil {
		width, height = size()
	}
	rows := 0
	for line := range strings.Lines(drawn) {
		rows++
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > 0 && n > 0 {
			rows += (n - 1) / width // where the terminal breaks it
		}
	}
	if height > 0 && rows >= height {
		return "\x1b[H\x1b[2J"
	}
	return fmt.Sprintf("\x1b[%dA\x1b[J", rows)
}

// table is what a newcomer reads.
func (b *board) table(begin time.Time) string {
	var out strings.Builder
	fmt.Fprintf(&out, "A network of %d nodes on this machine, up for %s. Each node writes once a second; every write travels to all.\n\n",
		len(b.net.members), time.Since(begin).Round(time.Second))
	w := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tTYPE\tREADY\tREGISTERED\tCONNECTED\tWROTE\tHOLDS\tAPI")
	var wrong []string
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
		fmt.Fprintf(w, "%s\t%s\t%d ms\t%s\t%s\t%d\t%s\t%s\n", m.name, m.state().Config().NodeType, m.ready.Milliseconds(), registered,
			count(len(m.state().Host().Connected().Get()), "peer", "peers"), wrote, count(holds, "entry", "entries"), m.state().API())
		if why != "" {
			wrong = append(wrong, m.name+": "+why)
		}
		for _, p := range m.state().Status().Problems {
			wrong = append(wrong, m.name+": "+p)
		}
	}
	w.Flush()
	for _, line := range wrong {
		fmt.Fprintln(&out, line)
	}
	s := b.sum()
	fmt.Fprintf(&out, "\nWrites: %d, of which %d can be read on every node; from answered to readable on all: half within %.1f ms, the slowest %.1f ms.\n",
		s.Writes, s.Converged, s.P50Ms, s.MaxMs)
	return out.String()
}

// hints are what a newcomer may try.
func (b *board) hints(o UpOptions) string {
	last := b.net.members[len(b.net.members)-1]
	return fmt.Sprintf(`
Try, in another terminal:
  %[1]s store put greeting hello --home %[2]s
  %[1]s store get greeting --home %[3]s
  %[1]s status --home %[2]s
  %[1]s graph show replicate --home %[2]s
Ctrl-C ends it.
`, cmp.Or(o.Merod, "merod"), last.home, b.net.members[0].home)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
