package testnet

import (
	"strings"
	"testing"
	"time"
)

// A drawing in place goes back by the lines that the terminal shows, which breaks long ones.
func TestDrawnInPlace(t *testing.T) {
	text := "short\n\n" + strings.Repeat("ä", 25) + "\n"
	for name, c := range map[string]struct {
		size func() (int, int)
		want string
	}{
		"unknown": {nil, "\x1b[3A\x1b[J"},
		"wide":    {func() (int, int) { return 80, 24 }, "\x1b[3A\x1b[J"},
		"exact":   {func() (int, int) { return 25, 24 }, "\x1b[3A\x1b[J"},
		"narrow":  {func() (int, int) { return 10, 24 }, "\x1b[5A\x1b[J"},
		"low":     {func() (int, int) { return 80, 3 }, "\x1b[H\x1b[2J"},
	} {
		if got := back(text, c.size); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The table has a row a node, and what is wrong with one under them.
func TestTable(t *testing.T) {
	n, err := newNetwork(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	}()
	for range 2 {
		if _, err := n.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.awaitRegistered(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.members[1].state().Problem("test", "its chair wobbles")
	b := newBoard(n)
	b.errs[0] = "no ink"
	text := b.table(time.Now()) + b.hints(UpOptions{})
	for _, want := range []string{"\nnode0  coordinator  ", "\nnode1  peer ", "  serves ", "  after ", "  1 peer ", "  0 entries  http://127.0.0.1:",
		"\nnode0: no ink\nnode1: its chair wobbles\n", "\n  merod status --home " + n.members[1].home + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
