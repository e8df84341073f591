package graph

import (
	"fmt"
	"slices"
	"strings"
)

// A RoleCount is what the instances of a role did since they started.
type RoleCount struct {
	Instances   int    `json:"instances"`
	Ticks       uint64 `json:"ticks"`
	Activations int    `json:"activations"` // open now
	Waiting     int    `json:"waiting"`     // events in the inboxes
	Bytes       int    `json:"bytes"`       // of messages that wait or are worked on
	Late        uint64 `json:"late"`        // answers that came when nobody waited
}

// A StepTotal is what a step did in all instances of its role.
type StepTotal struct {
	Fired   uint64        `json:"fired"`
	Retried uint64        `json:"retried,omitempty"` // attempts of a call beyond the first
	Failed  []ReasonCount `json:"failed,omitempty"`
}

// Count adds what an instance of one of the described roles did: to the steps how often they fired and failed, to the tables
// their rows, to the channels what admission refused. Several instances add up; one of another graph adds nothing.
// Between ticks, on the host's goroutine.
func (d *Description) Count(in *Instance) {
	if in.prog.Name() != d.Name || in.prog.Version() != d.Version {
		return
	}
	for i := range d.Roles {
		if r := &d.Roles[i]; r.Name == in.prog.Role() {
			r.count(in)
		}
	}
	for _, f := range in.Refused() {
		for i := range d.Channels {
			if c := &d.Channels[i]; c.Name == f.Channel && c.To == in.prog.Role() {
				c.Refused = addReason(c.Refused, ReasonCount{f.Reason.String(), f.Count})
			}
		}
	}
}

func (r *RoleDescription) count(in *Instance) {
	c := in.Counters()
	if r.Live == nil {
		r.Live = &RoleCount{}
	}
	l := r.Live
	l.Instances++
	l.Ticks += c.Ticks
	l.Activations += c.Activations
	l.Waiting += c.Waiting
	l.Bytes += c.Bytes
	l.Late += c.Late
	for i := range r.Tables {
		rows := SizeOf(in, r.Tables[i].Name)
		if was := r.Tables[i].Rows; was != nil {
			rows += *was
		}
		r.Tables[i].Rows = &rows
	}
	for _, n := range c.Steps {
		i := slices.IndexFunc(r.Steps, func(s StepDescription) bool { return s.Index == n.Step })
		if i < 0 {
			continue
		}
		s := &r.Steps[i]
		if s.Live == nil {
			s.Live = &StepTotal{}
		}
		s.Live.Fired += n.Fired
		s.Live.Retried += n.Retried
		for _, f := range n.Failed {
			s.Live.Failed = addReason(s.Live.Failed, f)
		}
	}
}

// addReason adds to the count of a reason, in the order of the reasons' names.
func addReason(all []ReasonCount, f ReasonCount) []ReasonCount {
	i, ok := slices.BinarySearchFunc(all, f.Reason, func(c ReasonCount, reason string) int { return strings.Compare(c.Reason, reason) })
	if ok {
		all[i].Count += f.Count
		return all
	}
	return slices.Insert(all, i, f)
}

func reasons(all []ReasonCount) string {
	var out []string
	for _, f := range all {
		out = append(out, fmt.Sprintf("%s ×%d", f.Reason, f.Count))
	}
	return strings.Join(out, ", ")
}

// text is what follows the name of a role; nothing when nothing was counted.
func (c *RoleCount) text() string {
	if c == nil {
		return ""
	}
	of := ""
	if c.Instances != 1 {
		of = fmt.Sprintf("%d instances, ", c.Instances)
	}
	return fmt.Sprintf(": %s%d ticks, %d activations open, %d events waiting, %s of messages, %d late", of, c.Ticks, c.Activations, c.Waiting, byteSize(c.Bytes), c.Late)
}

// text is what follows the name of a step.
func (t *StepTotal) text() string {
	if t == nil {
		return ""
	}
	out := fmt.Sprintf("  ×%d", t.Fired)
	if t.Retried > 0 {
		out += fmt.Sprintf(", retried ×%d", t.Retried)
	}
	if len(t.Failed) > 0 {
		out += ", failed: " + reasons(t.Failed)
	}
	return out
}

func (t TableDescription) live() string {
	if t.Rows == nil {
		return ""
	}
	return fmt.Sprintf(", now %d", *t.Rows)
}

func (c ChannelDescription) live() string {
	if len(c.Refused) == 0 {
		return ""
	}
	return "; refused: " + reasons(c.Refused)
}
