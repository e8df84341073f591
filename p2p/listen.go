package p2p

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"syscall"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/merograph/merograph/graph"
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

// open makes the libp2p host, or takes the one that was brought, and the gossipsub router. When it fails, nothing of
// them is left.
func (h *Host) open(ctx context.Context, cfg *Config, addrs []ma.Multiaddr, relays []peer.AddrInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := h.openHost(cfg, relays); err != nil {
		return err
	}
	h.host.Network().Notify(h.book)
	h.book.changed(h.host.Network(), nil) // a host that was brought may have connections
	if err := h.openRouter(); err != nil {
		return errors.Join(fmt.Errorf("open the gossipsub router: %w", err), h.closeLibp2p())
	}
	for _, a := range addrs {
		if err := h.listenAt(a); err != nil {
			if errors.Is(err, syscall.EADDRINUSE) {
				err = ErrAddrInUse
			}
			h.listenErrs = append(h.listenErrs, &ListenError{a.String(), err})
		}
	}
	h.addresses.Set(h.Addrs())
	if err := h.watchLibp2p(); err != nil {
		return errors.Join(err, h.closeLibp2p())
	}
	if cfg.MDNS {
		h.openMDNS(cfg.Network)
	}
	h.tasks.Go(h.keepIdle)
	return nil
}

func (h *Host) openHost(cfg *Config, relays []peer.AddrInfo) (err error) {
	if h.host, h.brought = cfg.Host, cfg.Host != nil; h.brought {
		h.id, h.self = h.host.ID(), graph.Peer(h.host.ID().String())
		if _, err := KeyOf(h.self); err != nil {
			return fmt.Errorf("the host that was brought: %w", err)
		}
		return nil
	}
	if h.self, err = PeerOf(cfg.Key.Public().(ed25519.PublicKey)); err != nil {
		return err
	}
	if h.id, err = decodePeer(h.self); err != nil {
		return err
	}
	opts, err := h.libp2pOptions(cfg)
	if err != nil {
		return err
	}
	opts = append(append(opts, cfg.Reach.options(relays)...), cfg.Options...)
	if h.host, err = libp2p.New(opts...); err != nil {
		return fmt.Errorf("open the libp2p host: %w", err)
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

// libp2pOptions: TLS before Noise, TCP and QUIC, limits that follow from the channels. TCP listens without SO_REUSEPORT:
// with it a second node would share a taken port in silence.
func (h *Host) libp2pOptions(cfg *Config) ([]libp2p.Option, error) {
	key, err := privateKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	manager, err := h.resourceManager()
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
		libp2p.DisableMetrics(),
	}, nil
}
