package node

import (
	"crypto/ed25519"
	"errors"

	"github.com/libp2p/go-libp2p/core/host"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/merograph/merograph/p2p"
)

// WithHost has the node use a libp2p host of the embedder's, who closes it after the node has stopped. Its key, which must be
// ed25519 and in its peerstore, is the node's identity; a home keeps to the identity of its first start. Addresses and
// limits are the host's: Swarm.Addrs is not read, and Reach and WithLibp2p are refused. It must run no gossipsub of its own.
func WithHost(h host.Host) Option { return func(s *settings) { s.host = h } }

// checkHost refuses a host that was brought and does not fit.
func (n *Node) checkHost() error {
	h := n.set.host
	if h == nil {
		return nil
	}
	var errs []error
	if _, err := p2p.PrivateKeyOf(h); err != nil {
		errs = append(errs, err)
	}
	r := n.cfg.Reach
	if len(n.set.libp2p) > 0 || r.Relayed || r.Relay || r.HolePunch || r.AutoNAT || len(r.Through) > 0 || r.Known != "" {
		errs = append(errs, errors.New("the host that was brought has its own relays and options: leave reach and WithLibp2p out"))
	}
	for _, a := range n.listens() {
		if !manet.IsIPLoopback(a) && n.cfg.Network.Secret == "" {
			errs = append(errs, errors.New("the host that was brought listens at "+a.String()+", off the loopback: give the network a secret (network.secret)"))
		}
	}
	return errors.Join(errs...)
}

// identityOf is the key of a host that was brought, which the home keeps.
func (n *Node) identityOf(h home) (ed25519.PrivateKey, error) {
	key, err := p2p.PrivateKeyOf(n.set.host)
	if err != nil || n.cfg.Memory {
		return key, err
	}
	return key, p2p.KeepIdentity(h.identity(), key)
}
