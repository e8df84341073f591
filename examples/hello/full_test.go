package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// A book that is full of the longest names is still an answer: nobody silences the desk for the others.
func TestFullBookIsAnswered(t *testing.T) {
	w := graphtest.New(t)
	w.Start(Protocol(), "desk", "desk")
	longest := 0
	for i := range 100 {
		for n := 300; ; n-- { // the longest that the desk takes
			var answer Welcome
			f := w.Ask(graph.Peer(fmt.Sprint("guest ", i)), "desk", "hello", strings.Repeat("x", n), &answer)
			if f == nil {
				longest = n
				if len(answer.Here) != i+1 {
					t.Fatalf("guest %d hears of %d", i, len(answer.Here))
				}
				break
			}
			if n == longest || n == 0 {
				t.Fatalf("guest %d with a name of %d bytes: %v", i, n, f)
			}
		}
	}
}
