package p2p

import (
	"crypto/ed25519"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/merograph/merograph/graph"
)

// PeerOf gives the peer whose key this is, in the text form of its libp2p peer id (12D3Koo…).
func PeerOf(key ed25519.PublicKey) (graph.Peer, error) {
	if len(key) != ed25519.PublicKeySize {
		return "", fmt.Errorf("a key of %d bytes is no ed25519 public key, which has %d", len(key), ed25519.PublicKeySize)
	}
	k, err := crypto.UnmarshalEd25519PublicKey(key)
	if err != nil {
		return "", err
	}
	id, err := peer.IDFromPublicKey(k)
	if err != nil {
		return "", err
	}
	return graph.Peer(id.String()), nil
}

// PrivateKeyOf gives the key of a libp2p host, which must be ed25519 and in its peerstore, where libp2p.New puts it.
func PrivateKeyOf(h host.Host) (ed25519.PrivateKey, error) {
	k := h.Peerstore().PrivKey(h.ID())
	if k == nil || k.Type() != crypto.Ed25519 {
		return nil, fmt.Errorf("the host %s has no ed25519 key in its peerstore: make it with libp2p.New and libp2p.Identity", h.ID())
	}
	raw, err := k.Raw()
	if err != nil {
		return nil, fmt.Errorf("the key of the host %s: %w", h.ID(), err)
	}
	return ed25519.PrivateKey(raw), nil
}

// KeyOf gives the public key that a peer's identity is made of.
func KeyOf(p graph.Peer) (ed25519.PublicKey, error) {
	id, err := decodePeer(p)
	if err != nil {
		return nil, err
	}
	k, err := id.ExtractPublicKey()
	if err != nil || k.Type() != crypto.Ed25519 {
		return nil, fmt.Errorf("peer %s is not made of an ed25519 key: only such peers take part", p)
	}
	raw, err := k.Raw()
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", p, err)
	}
	return raw, nil
}

// decodePeer parses the one text form of a peer id that people see.
func decodePeer(p graph.Peer) (peer.ID, error) {
	id, err := peer.Decode(string(p))
	if err != nil || id.String() != string(p) {
		return "", fmt.Errorf("%q is not a peer id: it looks like 12D3KooW…", string(p))
	}
	return id, nil
}

func privateKey(key ed25519.PrivateKey) (crypto.PrivKey, error) {
	return crypto.UnmarshalEd25519PrivateKey(key)
}
