package node

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/p2p"
)

// Protocols records the protocols that every node speaks, in the order of their names.
func Protocols() []*graph.Graph {
	return []*graph.Graph{blobexchange.Protocol(), globalregistry.Protocol(), replicate.Protocol()}
}

// A program is a role of a protocol that the node's options add.
type program struct {
	graph *graph.Graph
	role  string
	bind  func(s *State) ([]graph.Option, error)
	plan  *graph.Program
}

// WithProgram has the node take part in a protocol, in one role of it. The program starts when the transport runs, after the
// node's own; bind, which may be nil, then gives its bindings from the state. A program that cannot start is a problem of the
// node and not an error. New refuses a graph that does not compile, and a name that the node's own protocols or another
// graph have.
func WithProgram(g *graph.Graph, role string, bind func(s *State) ([]graph.Option, error)) Option {
	return func(s *settings) { s.programs = append(s.programs, program{graph: g, role: role, bind: bind}) }
}

// compile compiles the programs of the options, and reports all that is wrong with them.
func (s *settings) compile() error {
	graphs := map[string]*graph.Graph{}
	for _, g := range Protocols() {
		graphs[g.Name()] = g
	}
	var errs []error
	for i := range s.programs {
		p := &s.programs[i]
		if g := graphs[p.graph.Name()]; g != nil && g != p.graph {
			errs = append(errs, fmt.Errorf("program %s: the node has a protocol of that name: give it another", p.graph.Name()))
			continue
		}
		graphs[p.graph.Name()] = p.graph
		var err error
		if p.plan, err = graph.Compile(p.graph, p.role); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// startPrograms starts what the options add. One that fails leaves the others.
func (n *Node) startPrograms() {
	for _, p := range n.set.programs {
		if err := n.state.startProgram(p); err != nil {
			n.state.Problem("program "+p.graph.Name()+" "+p.role, fmt.Sprintf("the program %s %s does not run: %v", p.graph.Name(), p.role, err))
		}
	}
}

func (s *State) startProgram(p program) error {
	var opts []graph.Option
	if p.bind != nil {
		var err error
		if opts, err = p.bind(s); err != nil {
			return err
		}
	}
	_, err := s.start(p.plan, opts...)
	return err
}

// start runs a program on the transport and lists it.
func (s *State) start(p *graph.Program, opts ...graph.Option) (*p2p.Running, error) {
	r, err := s.host.Run(p, opts...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.programs = append(s.programs, r)
	s.mu.Unlock()
	return r, nil
}

// startRole compiles one of the node's own protocols and starts it.
func (s *State) startRole(g *graph.Graph, role string, opts ...graph.Option) (*p2p.Running, error) {
	p, err := graph.Compile(g, role)
	if err != nil {
		return nil, err
	}
	return s.start(p, opts...)
}

// Programs are the programs that run on the transport, in the order in which they started.
func (s *State) Programs() []*p2p.Running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.programs)
}

// Program is the running program of a role, the one that started first. The error says why there is none.
func (s *State) Program(graph, role string) (*p2p.Running, error) {
	for _, r := range s.Programs() {
		if p := r.Instance().Program(); p.Name() == graph && p.Role() == role {
			return r, nil
		}
	}
	if s.Host() == nil {
		return nil, fmt.Errorf("%s %s does not run: the transport did not start", graph, role)
	}
	return nil, fmt.Errorf("%s %s does not run on this node", graph, role)
}

// Protocols are the graphs that this node knows, its own and those of its options, in the order of their names.
func (s *State) Protocols() []*graph.Graph {
	all := slices.Concat(Protocols(), s.graphs)
	slices.SortFunc(all, func(a, b *graph.Graph) int { return cmp.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(all, func(a, b *graph.Graph) bool { return a.Name() == b.Name() })
}
