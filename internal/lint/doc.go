// Package lint holds the rules of this repository that a compiler does not
// check, written as tests: which folder may import which, what the small
// packages may depend on, which calls would make a run depend on anything but
// its host, how long a file may be, what must be documented.
//
// It has no code of its own. Run it with
//
//	go test ./internal/lint
//
// Three comments switch a rule off for one line. Each needs a reason, and
// stands at the end of that line or alone on the line above:
//
//	//lint:unordered reason   this walk over a map cannot show its order
//	//lint:total-key reason   no two elements of this sort compare equal
//	//lint:entropy reason     this randomness never reaches a trace
package lint
