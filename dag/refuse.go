package dag

import (
	"cmp"
	"slices"
	"strings"
)

// RefuseReason tells why a delta, a run or a page was not admitted. The texts are stable: they are counted and shown.
type RefuseReason string

// The reasons. There are no others.
const (
	// Malformed: the structure or a field breaks a rule of DATA 1.2, or disagrees with prev.
	Malformed RefuseReason = "malformed"
	// NotCanonical: the bytes are not the canonical encoding of what they say.
	NotCanonical RefuseReason = "not canonical"
	// Truncated: the bytes end before what they announce.
	Truncated RefuseReason = "truncated"
	// TooLarge: a page, a payload, a list or a delta over its bound.
	TooLarge RefuseReason = "too large"
	// WrongContext: a delta of another context.
	WrongContext RefuseReason = "wrong context"
	// ForgedSignature: a signature that is not the author's over the id, or a key of small order.
	ForgedSignature RefuseReason = "forged signature"
	// NoWitness: a run that no signature ends, or one over the greatest distance between signatures.
	NoWitness RefuseReason = "no witness"
	// BadClock: (ms, n) is not a step from the greatest of prev and parents (DATA 1.8).
	BadClock RefuseReason = "bad clock"
	// UnknownAuthor: the credential does not grant the author, or is not in the causal past.
	UnknownAuthor RefuseReason = "unknown author"
	// NotAllowed: the credential's role does not allow the act.
	NotAllowed RefuseReason = "not allowed"
	// WaitingFull: its past is not held and its author's waiting room is full, or its author is not known yet;
	// forgotten, and brought again by catch-up.
	WaitingFull RefuseReason = "waiting room full"
)

// Fault tells whether the refusal is false for everyone (bytes, signature, context), so that whoever sent it may be
// penalised. The others may depend on what this node holds.
func (r RefuseReason) Fault() bool {
	switch r {
	case Malformed, NotCanonical, Truncated, TooLarge, WrongContext, ForgedSignature, NoWitness:
		return true
	default:
		return false
	}
}

// Refusal counts the refusals for one reason.
type Refusal struct {
	Reason RefuseReason
	// Count is how many deltas, or pages when the page itself could not be read.
	Count int
	// Detail is one sentence about the first, with its id where there is one.
	Detail string
}

// FormatError is the error of the decoders.
type FormatError struct {
	// Reason is Malformed, NotCanonical, Truncated or TooLarge.
	Reason RefuseReason
	// Detail is a sentence without the reason.
	Detail string
}

// Error gives the detail and the reason.
func (e *FormatError) Error() string { return "dag: " + string(e.Reason) + ": " + e.Detail }

// tally counts refusals by reason. The zero value is ready.
type tally struct{ list []Refusal }

func (t *tally) add(r RefuseReason, count int, detail string) {
	for i := range t.list {
		if t.list[i].Reason == r {
			t.list[i].Count += count
			return
		}
	}
	t.list = append(t.list, Refusal{Reason: r, Count: count, Detail: detail})
	slices.SortFunc(t.list, func(a, b Refusal) int { return cmp.Compare(a.Reason, b.Reason) }) //lint:total-key a reason stands once
}

func (t *tally) merge(o []Refusal) {
	for _, r := range o {
		t.add(r.Reason, r.Count, r.Detail)
	}
}

// sorted gives a copy in the order of the reasons' texts.
func (t *tally) sorted() []Refusal { return slices.Clone(t.list) }

// String lists the refusals on one line, for messages.
func (r Refusal) String() string {
	return strings.TrimSpace(string(r.Reason) + ": " + r.Detail)
}
