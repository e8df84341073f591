package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/p2p"
)

// An order is what the caller's program is asked: what to say, and to whom.
type order struct {
	To   graph.Peer
	Text string
}

// echo is a call with nothing around it: the node asks, the callee shouts back.
func echo() *graph.Graph {
	g := graph.New("echo", 1)
	caller, callee := g.Role("caller"), g.Role("callee")
	to := graph.Op1(hopOps, "to", 1, func(_ *graph.Tick, r *graph.Request[order, string]) (graph.Peer, error) { return r.Value.To, nil })
	what := graph.Op1(hopOps, "what", 1, func(_ *graph.Tick, r *graph.Request[order, string]) (string, error) { return r.Value.Text, nil })
	shout := graph.Op1(hopOps, "shout", 1, func(_ *graph.Tick, r *graph.Request[string, string]) (string, error) {
		return strings.ToUpper(r.Value), nil
	})
	asked := graph.Ask[order, string](caller, "say")
	in, answer := graph.Call(what(asked), to(asked), callee,
		graph.Exchange[string, string]("say", graph.MaxRequest(4<<10), graph.MaxReply(4<<10)), time.Minute, graph.Anyone)
	graph.Reply(in, shout(in))
	graph.Reply(asked, answer)
	return g
}

// A wired pair is two libp2p hosts with one connection, which carries both the program and the bare stream.
type wired struct {
	hosts   [2]host.Host
	ours    [2]*p2p.Host
	caller  *p2p.Running
	to      graph.Peer
	bare    *bareCaller
	cleanup []func() error
}

// newWired opens the pair on the loopback, at a multiaddr of TCP or QUIC.
func newWired(at string) (w *wired, err error) {
	w = &wired{}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	for i := range w.hosts {
		if w.hosts[i], err = libp2p.New(libp2p.ListenAddrStrings(at), libp2p.Security(libp2ptls.ID, libp2ptls.New), libp2p.DisableRelay(), libp2p.DisableMetrics()); err != nil {
			return w, err
		}
		w.cleanup = append(w.cleanup, w.hosts[i].Close)
		if w.ours[i], err = p2p.New(context.Background(), p2p.Config{Host: w.hosts[i]}); err != nil {
			return w, err
		}
		w.cleanup = append(w.cleanup, w.ours[i].Close)
	}
	if err = w.hosts[0].Connect(context.Background(), peer.AddrInfo{ID: w.hosts[1].ID(), Addrs: w.hosts[1].Addrs()}); err != nil {
		return w, err
	}
	for i, role := range []string{"caller", "callee"} {
		prog, err := graph.Compile(echo(), role)
		if err != nil {
			return w, err
		}
		r, err := w.ours[i].Run(prog)
		if err != nil {
			return w, err
		}
		if i == 0 {
			w.caller = r
		}
	}
	w.to = w.ours[1].ID()
	w.hosts[1].SetStreamHandler("/bare/1", serveBare)
	w.bare, err = newBareCaller(w.hosts[0], w.hosts[1].ID())
	return w, err
}

// Close ends the pair.
func (w *wired) Close() (err error) {
	if w.bare != nil {
		w.bare.s.Reset()
	}
	for i := len(w.cleanup) - 1; i >= 0; i-- {
		err = errors.Join(err, w.cleanup[i]())
	}
	return err
}

// graphs makes n calls through the programs, some at a time.
func (w *wired) graphs(n, together int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return inTurn(n, together, func() error {
		s, err := p2p.Ask[order, string](ctx, w.caller, "say", order{w.to, "hello"})
		return said(s, err)
	})
}

// bares makes n calls on the bare stream, some at a time.
func (w *wired) bares(n, together int) error {
	return inTurn(n, together, func() error { return said(w.bare.call("hello")) })
}

func said(s string, err error) error {
	if err == nil && s != "HELLO" {
		err = errors.New("the answer is " + s)
	}
	return err
}

// inTurn does fn n times on so many goroutines.
func inTurn(n, together int, fn func() error) error {
	if together == 1 {
		for range n {
			if err := fn(); err != nil {
				return err
			}
		}
		return nil
	}
	var all sync.WaitGroup
	errs := make([]error, together)
	for i := range together {
		all.Go(func() { errs[i] = inTurn(n/together, 1, fn) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// The bare stream carries frames of a length, the number of the call, and a text in CBOR: what a program without a graph
// would do. The caller writes itself, and one goroutine reads the answers.

func writeBare(w io.Writer, buf []byte, call uint64, s string) ([]byte, error) {
	payload, err := cbor.Marshal(s)
	if err != nil {
		return buf, err
	}
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], call)
	buf = binary.AppendUvarint(buf[:0], uint64(n+len(payload)))
	buf = append(append(buf, head[:n]...), payload...)
	_, err = w.Write(buf)
	return buf, err
}

func readBare(r *bufio.Reader) (call uint64, s string, err error) {
	n, err := binary.ReadUvarint(r)
	if err != nil || n > 4<<10 {
		return 0, "", errors.Join(err, errors.New("no frame"))
	}
	b, err := r.Peek(int(n))
	if err != nil {
		return 0, "", err
	}
	call, head := binary.Uvarint(b)
	err = cbor.Unmarshal(b[head:], &s)
	r.Discard(int(n))
	return call, s, err
}

func serveBare(s network.Stream) {
	r, buf := bufio.NewReaderSize(s, 8<<10), []byte(nil)
	for {
		call, text, err := readBare(r)
		if err == nil {
			buf, err = writeBare(s, buf, call, strings.ToUpper(text))
		}
		if err != nil {
			s.Reset()
			return
		}
	}
}

type bareAnswer struct {
	text string
	err  error
}

type bareCaller struct {
	s     network.Stream
	mu    sync.Mutex // of the books, and of writing
	buf   []byte
	last  uint64
	waits map[uint64]chan bareAnswer
}

func newBareCaller(h host.Host, to peer.ID) (*bareCaller, error) {
	s, err := h.NewStream(context.Background(), to, "/bare/1")
	if err != nil {
		return nil, err
	}
	c := &bareCaller{s: s, waits: map[uint64]chan bareAnswer{}}
	go c.read()
	return c, nil
}

func (c *bareCaller) read() {
	r := bufio.NewReaderSize(c.s, 8<<10)
	for {
		call, text, err := readBare(r)
		c.mu.Lock()
		if err != nil {
			for _, w := range c.waits {
				w <- bareAnswer{err: err}
			}
			c.mu.Unlock()
			return
		}
		w := c.waits[call]
		delete(c.waits, call)
		c.mu.Unlock()
		if w != nil {
			w <- bareAnswer{text: text}
		}
	}
}

func (c *bareCaller) call(s string) (string, error) {
	w := make(chan bareAnswer, 1)
	c.mu.Lock()
	c.last++
	c.waits[c.last] = w
	var err error
	c.buf, err = writeBare(c.s, c.buf, c.last, s)
	c.mu.Unlock()
	if err != nil {
		return "", err
	}
	a := <-w
	return a.text, a.err
}
