package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/merograph/merograph/graph"
)

// NoGraphError says that a node does not know a protocol.
type NoGraphError struct {
	Name string   // that was asked for
	Have []string // that there are
}

// Error is the sentence.
func (e *NoGraphError) Error() string {
	return fmt.Sprintf("there is no graph %q: there are %s", e.Name, strings.Join(e.Have, ", "))
}

// NoRoleError says that a protocol has no such role.
type NoRoleError struct {
	Graph, Role string
	Have        []string // that there are
}

// Error is the sentence.
func (e *NoRoleError) Error() string {
	return fmt.Sprintf("%s has no role %q: it has %s", e.Graph, e.Role, strings.Join(e.Have, ", "))
}

// Describe finds a graph by its name and describes it, one role alone when role is not "". The error is a *NoGraphError or a
// *NoRoleError.
func Describe(graphs []*graph.Graph, name, role string) (graph.Description, error) {
	i := slices.IndexFunc(graphs, func(g *graph.Graph) bool { return g.Name() == name })
	if i < 0 {
		e := &NoGraphError{Name: name}
		for _, g := range graphs {
			e.Have = append(e.Have, g.Name())
		}
		return graph.Description{}, e
	}
	if have := graphs[i].Roles(); role != "" && !slices.Contains(have, role) {
		return graph.Description{}, &NoRoleError{name, role, have}
	}
	return graphs[i].Describe(role), nil
}

// Live describes a protocol of this node with the counts of what runs of it now; see Describe for the errors. ctx bounds the
// waiting for programs that are in the middle of a tick.
func (s *State) Live(ctx context.Context, name, role string) (graph.Description, error) {
	d, err := Describe(s.Protocols(), name, role)
	if err != nil {
		return d, err
	}
	for _, r := range s.Programs() {
		if r.Instance().Program().Name() != name {
			continue
		}
		// One that has just stopped counts no more.
		if err := r.Do(ctx, d.Count); ctx.Err() != nil {
			return d, err
		}
	}
	return d, nil
}
