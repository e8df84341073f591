package api

import (
	"context"
	"errors"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

// A GraphList is the result of graph_list.
type GraphList struct {
	Graphs []GraphEntry `json:"graphs"`
}

// A GraphEntry names a protocol.
type GraphEntry struct {
	Name    string   `json:"name"`
	Version int      `json:"version"`
	Roles   []string `json:"roles"`
}

// Graphs lists protocols.
func Graphs(protocols []*graph.Graph) GraphList {
	out := GraphList{[]GraphEntry{}}
	for _, g := range protocols {
		out.Graphs = append(out.Graphs, GraphEntry{g.Name(), g.Version(), g.Roles()})
	}
	return out
}

// GraphParams are the parameters of graph_show. Without a role it is all of them.
type GraphParams struct {
	Name string `json:"name"`
	Role string `json:"role,omitempty"`
}

// showGraph describes a protocol with the counts of what runs of it.
func showGraph(ctx context.Context, s *node.State, p GraphParams) (graph.Description, error) {
	d, err := s.Live(ctx, p.Name, p.Role)
	switch {
	case errors.As(err, new(*node.NoGraphError)):
		err = &Error{Kind: NotFound, Message: err.Error(), Data: p.Name}
	case errors.As(err, new(*node.NoRoleError)):
		err = &Error{Kind: InvalidParams, Message: err.Error(), Data: "role"}
	}
	return d, err
}
