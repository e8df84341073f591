package p2p

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"syscall"

	"github.com/libp2p/go-libp2p"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

// ErrAddrInUse is in the chain of a ListenError whose port another program has.
var ErrAddrInUse = errors.New("the port is taken by another program")

// A ListenError says that the host does not listen at one of its addresses.
type ListenError struct {
	Addr string
	Err  error
}

// Error is the failure as a sentence.
func (e *ListenError) Error() string {
	return fmt.Sprintf("listen at %s: %v: choose another address, or end the program that has it", e.Addr, e.Err)
}

// Unwrap gives the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// ListenErrors gives a *ListenError for each address of the configuration at which the host does not listen.
func (h *Host) ListenErrors() []error { return append([]error(nil), h.listenErrs...) }

// open makes the libp2p host and the gossipsub router. When it fails, nothing of them is left.
func (h *Host) open(ctx context.Context, cfg Config, addrs []ma.Multiaddr) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	self, err := PeerOf(cfg.Key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	if h.id, err = decodePeer(self); err != nil {
		return err
	}
	h.self = self
	opts, err := h.libp2pOptions(cfg)
	if err != nil {
		return err
	}
	if h.host, err = libp2p.New(append(opts, cfg.Options...)...); err != nil {
		return fmt.Errorf("open the libp2p host: %w", err)
	}
	h.host.Network().Notify(h.book)
	if err := h.openRouter(); err != nil {
		return errors.Join(fmt.Errorf("open the gossipsub router: %w", err), h.host.Close())
	}
	for _, a := range addrs {
		if err := h.listenAt(a); err != nil {
			if errors.Is(err, syscall.EADDRINUSE) {
				err = ErrAddrInUse
			}
			h.listenErrs = append(h.listenErrs, &ListenError{a.String(), err})
		}
	}
	return nil
}

// listenAt listens at one address. The swarm's AddListenAddr keeps the cause of a failure, which Listen prints away.
func (h *Host) listenAt(a ma.Multiaddr) error {
	if s, ok := h.host.Network().(interface{ AddListenAddr(ma.Multiaddr) error }); ok {
		return s.AddListenAddr(a)
	}
	return h.host.Network().Listen(a)
}

// libp2pOptions: TLS before Noise, TCP and QUIC, finite limits, no relay, no NAT services. TCP listens without
// SO_REUSEPORT: with it a second node would share a taken port in silence.
func (h *Host) libp2pOptions(cfg Config) ([]libp2p.Option, error) {
	key, err := privateKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	scaled := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaled)
	high := rcmgr.LimitVal(h.limits.ConnsHigh)
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{Conns: 4 * high, ConnsInbound: 2 * high, ConnsOutbound: 2 * high,
			Streams: 64 * high, StreamsInbound: 32 * high, StreamsOutbound: 32 * high},
		Transient: rcmgr.ResourceLimits{Conns: high, ConnsInbound: high / 2, ConnsOutbound: high / 2},
	}.Build(scaled.Scale(h.limits.Memory, h.limits.Files))
	manager, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), rcmgr.WithMetricsDisabled())
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	conns, err := connmgr.NewConnManager(h.limits.ConnsLow, h.limits.ConnsHigh)
	if err != nil {
		return nil, fmt.Errorf("connection manager: %w", err)
	}
	return []libp2p.Option{
		libp2p.Identity(key),
		libp2p.UserAgent("merograph"),
		libp2p.NoListenAddrs,
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.ResourceManager(manager),
		libp2p.ConnectionManager(conns),
		libp2p.BandwidthReporter(&h.count.meter),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	}, nil
}
