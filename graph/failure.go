package graph

import (
	"errors"
	"fmt"
	"time"
)

// A Reason says why a step failed or why work was refused. The values are on the wire: new ones only at the end.
type Reason uint8

// The reasons.
const (
	None        Reason = iota
	Local              // an op returned an error of its own
	Timeout            // a deadline passed while it waited; for a call the outcome is unknown
	Busy               // a bound was reached; RetryAfter says when to try again
	Denied             // the rule of the channel, or an op, says no
	TooLarge           // over the declared size
	Malformed          // bytes that do not decode as what was declared
	Unreachable        // surely not run: nothing was handed to the other side
	Lost               // the connection broke while it was open; the outcome is unknown
	NoReply            // the callee's activation ended without an answer
	Remote             // an op of the callee failed
	Expired            // its deadline had passed before it could fire
	Mismatch           // the two ends mean different things by the channel
)

var reasonNames = [...]string{"none", "local", "timeout", "busy", "denied", "too large", "malformed", "unreachable",
	"lost", "no reply", "remote", "expired", "mismatch"}

// String is the reason as people see it.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Reasons is how many reasons there are; a Reason at or over it is of a newer version.
const Reasons = Reason(len(reasonNames))

// A Failure is a value like any other: what a failure port carries, and what a caller gets back.
type Failure struct {
	Reason     Reason
	Step       string        // the step that failed, as drawn: opset.op
	Detail     string        // a sentence
	Peer       Peer          // the other side, when there is one
	RetryAfter time.Duration // with Busy: how long to wait
}

// Error is the failure as a sentence.
func (f *Failure) Error() string {
	s := f.Reason.String()
	if f.Step != "" {
		s = f.Step + ": " + s
	}
	if f.Peer != "" {
		s += " (" + string(f.Peer) + ")"
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// Fail makes an error with a reason, for an op that has more to say than Local.
func Fail(r Reason, format string, args ...any) error {
	return &Failure{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// ReasonOf gives the reason of an error: the Failure in its chain, else Local, and None for nil.
func ReasonOf(err error) Reason {
	if err == nil {
		return None
	}
	var f *Failure
	if errors.As(err, &f) {
		return f.Reason
	}
	return Local
}

// asFailure gives the failure that err is, told of step.
func asFailure(err error, step string) Failure {
	var f *Failure
	if errors.As(err, &f) {
		out := *f
		if out.Step == "" {
			out.Step = step
		}
		return out
	}
	return Failure{Reason: Local, Step: step, Detail: err.Error()}
}
