package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/p2p"
)

var echoOps = graph.NewOpset("echo")

// echo is a protocol that no node speaks by itself: a caller says something to a peer, and an ear says it back.
func echo(name string) *graph.Graph {
	type call = *graph.Request[string, string]
	text := graph.Op1(echoOps, "text", 1, func(_ *graph.Tick, r call) (string, error) { return r.Value, nil })
	back := graph.Op2(echoOps, "back", 1, func(_ *graph.Tick, r call, name string) (string, error) { return name + " heard " + r.Value, nil })
	g := graph.New(name, 1)
	caller, ear := g.Role("caller"), g.Role("ear")
	to, me := graph.Param[graph.Peer](caller, "to"), graph.Param[string](ear, "name")
	said := graph.Ask[string, string](caller, "say")
	in, answer := graph.Call(text(said), to, ear, graph.Exchange[string, string]("say", graph.MaxRequest(64), graph.MaxReply(256)), 5*time.Second, graph.Anyone)
	graph.Reply(in, back(in, me))
	graph.Reply(said, answer)
	return g
}

func bind(name string, v any) func(*State) ([]graph.Option, error) {
	return func(*State) ([]graph.Option, error) { return []graph.Option{graph.Bind(name, v)}, nil }
}

// A node takes part in protocols of its embedder, which are listed and counted as its own are.
func TestWithProgram(t *testing.T) {
	ear := start(t, t.TempDir(), nil, WithProgram(echo("echo"), "ear", func(s *State) ([]graph.Option, error) {
		return []graph.Option{graph.Bind("name", string(s.ID()))}, nil
	})).State()
	caller := start(t, t.TempDir(), ear.Host().Addrs(), WithProgram(echo("echo"), "caller", bind("to", ear.ID()))).State()
	await(t, caller, "registration", func() bool { ok, _ := caller.registered(); return ok })
	r, err := caller.Program("echo", "caller")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p2p.Ask[string, string](t.Context(), r, "say", "hello")
	if err != nil || answer != string(ear.ID())+" heard hello" {
		t.Fatal(answer, err)
	}
	d, err := ear.Live(t.Context(), "echo", "ear")
	if err != nil || d.Roles[0].Live == nil || d.Roles[0].Live.Instances != 1 || d.Roles[0].Steps[0].Live.Fired != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	if names := d.Text(); !strings.Contains(names, "×1") {
		t.Error(names)
	}
	var names []string
	for _, g := range ear.Protocols() {
		names = append(names, g.Name())
	}
	if !slices.Equal(names, []string{"blobexchange", "echo", "globalregistry", "replicate"}) || !slices.Contains(ear.Info().Capabilities, "echo:ear") {
		t.Errorf("%v, %v", names, ear.Info().Capabilities)
	}
	if _, err := ear.Live(t.Context(), "nothing", ""); !errors.As(err, new(*NoGraphError)) || !strings.Contains(err.Error(), "echo") {
		t.Error(err)
	}
	if _, err := ear.Live(t.Context(), "echo", "mouth"); !errors.As(err, new(*NoRoleError)) || !strings.Contains(err.Error(), "caller, ear") {
		t.Error(err)
	}
	if _, err := ear.Program("echo", "caller"); err == nil {
		t.Error("a program that does not run was found")
	}
}

func TestProgramsThatDoNotCompile(t *testing.T) {
	for name, opts := range map[string][]Option{
		"a protocol of that name": {WithProgram(echo("replicate"), "ear", nil)},
		"two graphs of one name":  {WithProgram(echo("echo"), "ear", nil), WithProgram(echo("echo"), "caller", nil)},
		"no such role":            {WithProgram(echo("echo"), "mouth", nil)},
	} {
		cfg := Default()
		cfg.Home = t.TempDir()
		if _, err := New(cfg, opts...); err == nil || !strings.Contains(err.Error(), "echo") && !strings.Contains(err.Error(), "replicate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// part fails to start, or starts and tells when it is stopped.
type part struct {
	fails            error
	started, stopped *int
}

func (p part) Start(context.Context, *State) error {
	if p.fails == nil {
		*p.started++
	}
	return p.fails
}

func (p part) Stop(context.Context) error {
	*p.stopped++
	return nil
}

// What fails to start is told and leaves the rest: programs, parts, and above all the store.
func TestWhatFailsLeavesTheRest(t *testing.T) {
	var started, stopped int
	broken := func(*State) ([]graph.Option, error) { return nil, errors.New("no ear today") }
	n := start(t, t.TempDir(), nil,
		WithProgram(echo("first"), "ear", broken), WithProgram(echo("second"), "ear", nil), WithProgram(echo("third"), "ear", bind("name", "x")),
		WithPart(part{errors.New("the door is stuck"), &started, &stopped}), WithPart(part{errors.New("the window too"), &started, &stopped}),
		WithPart(part{nil, &started, &stopped}))
	s := n.State()
	all := strings.Join(s.Status().Problems, "\n")
	for _, want := range []string{"first ear does not run: no ear today", "second ear does not run: ", "the door is stuck", "the window too"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in the problems:\n%s", want, all)
		}
	}
	if _, err := s.Program("third", "ear"); err != nil || started != 1 || !s.Ready() {
		t.Errorf("%v, %d started, ready %v", err, started, s.Ready())
	}
	if _, err := s.Put("k", []byte("v")); err != nil {
		t.Error(err)
	}
	if !s.Status().Discovery.Running {
		t.Error("discovery does not run")
	}
	s.registry = nil
	if s.Status().Discovery.Running {
		t.Error("discovery runs without its program")
	}
	if err := n.Stop(context.Background()); err != nil || stopped != 1 {
		t.Errorf("%v, %d parts stopped, one had started", err, stopped)
	}
}

// Without a transport the node reads and writes, and says what is wrong.
func TestWithoutTransport(t *testing.T) {
	cfg := Default()
	cfg.Home = t.TempDir()
	cfg.Swarm.Addrs = nil
	n, err := New(cfg, WithProgram(echo("echo"), "ear", bind("name", "x")), WithLibp2p(func(*libp2p.Config) error { return errors.New("no radio") }))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := n.State()
	if st := s.Status(); !st.Ready || st.Transport.Running || st.Discovery.Running || !strings.Contains(strings.Join(st.Problems, " "), "the transport did not start: ") {
		t.Errorf("%+v", st)
	}
	if _, err := s.Put("k", []byte("v")); err != nil || !holds(s, "k", "v")() {
		t.Error(err)
	}
	if _, err := s.Program("echo", "ear"); err == nil || !strings.Contains(err.Error(), "the transport did not start") {
		t.Error(err)
	}
	if _, err := s.Live(t.Context(), "echo", ""); err != nil {
		t.Error(err)
	}
	if err := n.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// Run is Start, the waiting, and Stop.
func TestRun(t *testing.T) {
	cfg := Default()
	cfg.Home, cfg.Memory, cfg.Swarm.Addrs = t.TempDir(), true, nil
	var started, stopped int
	ctx, cancel := context.WithCancel(t.Context())
	n, err := New(cfg, WithPart(part{nil, &started, &stopped}))
	if err != nil {
		t.Fatal(err)
	}
	changed := n.State().Changed()
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	<-changed
	cancel()
	if err := <-done; err != nil || started != 1 || stopped != 1 {
		t.Error(err, started, stopped)
	}
}
