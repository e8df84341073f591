package sim

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
)

// Run runs a scenario and reports what it found. An error means that there was nothing to run: a graph that does not
// compile, bindings that do not fit, options that make no sense.
func Run(s Scenario, o Options) (*Report, error) {
	w, err := newWorld(s, o)
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", s.Name, err)
	}
	if err := w.run(); err != nil {
		return nil, fmt.Errorf("simulate %s: %w", s.Name, err)
	}
	return w.report(), nil
}

func newWorld(s Scenario, o Options) (*World, error) {
	o, err := o.settled(&s)
	if err != nil {
		return nil, err
	}
	if s.Graph == nil {
		return nil, errNoGraph
	}
	heal, err := healing(s, o)
	if err != nil {
		return nil, err
	}
	w := &World{scenario: s, options: o, choices: newChoices(o), heal: graph.Time(heal), end: graph.Time(o.Time),
		peers: map[graph.Peer]*Node{}, pairs: map[uint64]*link{}, named: map[string]uint64{}}
	if w.checks, err = newChecks(s.Properties, o.only); err != nil {
		return nil, err
	}
	w.plan = w.options.plan(w.choices, heal)
	if err := w.addNodes(); err != nil {
		return nil, err
	}
	w.overlay()
	return w, nil
}

// addNodes makes the nodes, each with the program of its role.
func (w *World) addNodes() error {
	g := w.scenario.Graph()
	w.name = g.Name()
	names := g.Roles()
	if len(names) == 0 {
		return fmt.Errorf("graph %s has no role", w.name)
	}
	roles := make([]string, w.options.Nodes)
	for i := range roles {
		roles[i] = names[0]
	}
	if w.scenario.Roles != nil {
		if roles = w.scenario.Roles(w.options.Nodes); len(roles) != w.options.Nodes {
			return fmt.Errorf("the scenario gives %d roles for %d nodes", len(roles), w.options.Nodes)
		}
	}
	programs := map[string]*graph.Program{}
	hears := map[string]map[string]bool{}
	for i, role := range roles {
		if programs[role] == nil {
			p, err := graph.Compile(g, role)
			if err != nil {
				return err
			}
			programs[role], hears[role] = p, map[string]bool{}
			for _, c := range p.Channels() {
				if c.Kind == graph.TopicKind && c.In {
					hears[role][c.Name] = c.Judged
				}
			}
		}
		n := &Node{w: w, index: int32(i), id: graph.Peer(fmt.Sprintf("n%06d", i)), role: role, prog: programs[role], hears: hears[role]}
		n.offset = graph.Time(i+1)*graph.Time(time.Hour) + graph.Time(below(n.draw(siteOffset), uint64(time.Hour)))
		n.cost = costLeast + time.Duration(below(n.draw(siteCost), uint64(costMost-costLeast)))
		w.nodes = append(w.nodes, n)
		w.peers[n.id] = n
	}
	return nil
}

// costLeast and costMost bound what an event costs a node.
const (
	costLeast = 20 * time.Microsecond
	costMost  = 60 * time.Microsecond
)

func (w *World) run() error {
	for more := w.begin(); more; {
		more = w.step()
	}
	return w.err
}

// begin starts every node; false when there is nothing to do any more.
func (w *World) begin() (more bool) {
	w.line("run %s: %d nodes, seed %d, %v", w.scenario.Name, len(w.nodes), w.options.Seed, &w.plan)
	w.recruit()
	for _, n := range w.nodes {
		if w.plan.Drift > 0 || w.plan.Jump > 0 {
			w.skew(n)
		}
		if w.plan.Up > 0 {
			w.planCrash(n, 0)
		}
		if err := w.start(n); err != nil {
			w.err = err
			return false
		}
	}
	w.planDisks()
	w.planCuts()
	if w.scenario.Script != nil {
		w.scenario.Script(w)
	}
	w.queue.push(graph.Time(time.Second), doCheck, 0, 0)
	return w.err == nil
}

// step does what comes next; false when the run is over.
func (w *World) step() (more bool) {
	if e := w.queue.pop(); e.at <= w.end {
		w.now = e.at
		w.trace.entry(&e)
		w.do(&e)
		return w.err == nil && !w.over()
	}
	w.now = w.end
	w.checkAll()
	w.conclude()
	return false
}

func (w *World) do(e *entry) {
	switch e.kind {
	case doTurn, doTimer:
		w.turn(w.nodes[e.node], e.kind)
	case doArrive:
		w.arrive(w.nodes[e.node], e.ref)
	case doTell:
		w.told(w.nodes[e.node], e.ref)
	case doHop:
		w.hopped(w.nodes[e.node], e.ref)
	case doDialed:
		w.dialed(w.links[e.ref], e.node)
	case doRedial:
		w.redialed(w.links[e.ref])
	case doNotice:
		w.notice(w.nodes[e.node], w.links[e.ref])
	case doWork:
		w.complete(w.nodes[e.node], e.ref)
	case doScript:
		w.runScript(w.nodes[e.node], e.ref)
	case doCrash:
		w.crashInSlot(w.nodes[e.node], e.ref)
	case doStart:
		w.on(w.nodes[e.node], "starts", "%s starts again", w.nodes[e.node].id)
		w.restart(w.nodes[e.node])
	case doCut:
		w.cutStep(cut(e.node), e.ref)
	case doSever:
		w.sever(w.links[e.ref], e.node)
	case doJump:
		w.jump(w.nodes[e.node], e.ref)
	case doDisk:
		w.diskStep(w.nodes[e.node], e.ref)
	case doQuit:
		w.quit(w.nodes[e.node], e.ref)
	case doCheck:
		w.checkAll()
		w.queue.push(w.now.Add(time.Second), doCheck, 0, 0)
	}
}

func (w *World) report() *Report {
	r := &Report{Graph: w.name, Nodes: len(w.nodes), Seed: w.options.Seed, VirtualSeconds: w.options.Time.Seconds(),
		Events: w.events, Messages: w.messages, Bytes: w.bytes, Faults: map[string]int{}, Hashes: w.trace.hashes,
		Properties: []PropertyResult{}, TraceHash: fmt.Sprintf("%016x", w.trace.sum)}
	for i, n := range w.happened {
		if n > 0 {
			r.Faults[happeningNames[i]] = n
		}
	}
	w.results(r)
	return r
}
