package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/merograph/merograph/node"
)

// The bounds of a door that nobody configured.
const (
	DefaultMaxBody  = 8 << 20 // bytes of a JSON-RPC request
	DefaultMaxBatch = 100     // calls in a batch
)

const (
	headerTimeout = 10 * time.Second // to send a request's headers
	bodyTimeout   = 30 * time.Second // to send a JSON body, and to take its answer
	stallTimeout  = time.Minute      // without one byte of a blob moving
	keepTimeout   = 2 * time.Minute  // of an idle connection
	stopTimeout   = 5 * time.Second  // for requests in flight when the node stops
)

// A Server is the control door, a part of a node. It is started once.
type Server struct {
	maxBody  int64
	maxBatch int

	state *node.State
	door  door
	token string
	http  *http.Server

	cancel context.CancelCauseFunc // ends what waits for the network
	served chan struct{}           // closed when the listener's goroutine ended

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup // requests
}

var _ node.Part = (*Server)(nil)

// An Option changes a Server.
type Option func(*Server)

// MaxBody bounds the bytes of a JSON-RPC request.
func MaxBody(bytes int64) Option { return func(s *Server) { s.maxBody = bytes } }

// MaxBatch bounds the calls of a batch.
func MaxBatch(calls int) Option { return func(s *Server) { s.maxBatch = calls } }

// New gives the door of one node.
func New(opts ...Option) *Server {
	s := &Server{maxBody: DefaultMaxBody, maxBatch: DefaultMaxBatch}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Start implements node.Part: it listens, and writes the address and the token to the home. A port that is taken is a
// problem of the node and not an error: the door then opens on a free one.
func (s *Server) Start(_ context.Context, st *node.State) error {
	if err := s.open(st); err != nil {
		return fmt.Errorf("the API did not start: %w; mend that and start the node again", err)
	}
	return nil
}

func (s *Server) open(st *node.State) error {
	cfg := st.Config()
	token, err := keepToken(node.TokenFile(cfg.Home))
	if err != nil {
		return err
	}
	l, d, problem, err := listen(cfg.API.Addr)
	if err != nil {
		return err
	}
	if err := writeFile(node.APIFile(cfg.Home), d.url()+"\n"); err != nil {
		return errors.Join(err, l.Close())
	}
	s.state, s.token, s.door = st, token, d
	ctx, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       keepTimeout,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          quiet(cfg.Logger),
	}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			st.Problem("api", "the API stopped: "+err.Error()+"; start the node again")
		}
	}()
	st.SetAPI(d.url())
	st.Problem("api", problem)
	return nil
}

// errStops is why what still runs is ended when the node stops.
var errStops = &Error{Kind: NotReady, Message: "the node ended this: it stops"}

// Stop implements node.Part: it takes no more requests, lets those in flight end within ctx and a few seconds, and returns
// when nothing of the door runs. A request that waits for the network is ended at once.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.cancel(errStops)
	ctx, done := context.WithTimeout(ctx, stopTimeout)
	defer done()
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close() // cuts the connections; their handlers then end
	}
	s.running.Wait()
	<-s.served
	s.state.SetAPI("")
	return removeIf(node.APIFile(s.state.Config().Home), s.door.url())
}

// enter counts a request in; it is false when the door closes.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.running.Add(1)
	return true
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jsonrpc", s.serveRPC)
	mux.HandleFunc("GET /admin-api/store/watch", s.watchStore)
	mux.HandleFunc("PUT /admin-api/blobs", s.addBlob)
	mux.HandleFunc("GET /admin-api/blobs", s.listBlobs)
	mux.HandleFunc("GET /admin-api/blobs/{id}", s.getBlob)
	mux.HandleFunc("HEAD /admin-api/blobs/{id}", s.headBlob)
	mux.Handle("GET /metrics", metrics(s.state))
	for _, prefix := range []string{"", "/admin-api"} {
		mux.HandleFunc("GET "+prefix+"/health", s.health)
		mux.HandleFunc("GET "+prefix+"/ready", s.ready)
	}
	return ends(s.guard(told(mux)))
}

// public are the paths that need no token.
var public = map[string]bool{"/health": true, "/ready": true, "/admin-api/health": true, "/admin-api/ready": true}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"data": map[string]string{"status": "alive"}})
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.state.Ready() {
		refuse(w, &Error{Kind: NotReady, Message: "the node is not ready"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"data": map[string]bool{"ready": true}})
}
