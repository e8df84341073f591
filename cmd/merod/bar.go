package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A bar shows on a terminal how much has passed; elsewhere it is silent.
type bar struct {
	to    io.Writer // nil: silent
	what  string
	total int64 // -1: unknown
	seen  int64
	last  time.Time
	begun time.Time
}

const barEvery = 100 * time.Millisecond

func newBar(to io.Writer, what string, total int64) *bar {
	b := &bar{what: what, total: total, begun: time.Now()}
	if isTerminal(to) {
		b.to = to
	}
	return b
}

// Write counts what passes.
func (b *bar) Write(p []byte) (int, error) {
	b.seen += int64(len(p))
	if b.to != nil && time.Since(b.last) >= barEvery {
		b.last = time.Now()
		fmt.Fprint(b.to, "\r\x1b[K"+b.line(time.Since(b.begun)))
	}
	return len(p), nil
}

// line is what is drawn.
func (b *bar) line(since time.Duration) string {
	rate := size(int64(float64(b.seen)/max(since.Seconds(), 0.001))) + "/s"
	if b.total <= 0 {
		return fmt.Sprintf("%s %s, %s", b.what, size(b.seen), rate)
	}
	const width = 30
	full := int(width * min(b.seen, b.total) / b.total)
	return fmt.Sprintf("%s [%s%s] %3d %%  %s of %s, %s", b.what, strings.Repeat("#", full), strings.Repeat(".", width-full),
		100*min(b.seen, b.total)/b.total, size(b.seen), size(b.total), rate)
}

// done takes the bar away.
func (b *bar) done() {
	if b.to != nil {
		fmt.Fprint(b.to, "\r\x1b[K")
	}
}
