package sim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"io"
)

// Key is a signing key that the node alone has, the same for the whole run: for a scenario that does not sign with a keyed hash.
func (n *Node) Key() ed25519.PrivateKey {
	if n.key == nil {
		b := binary.BigEndian.AppendUint64([]byte("merograph/sim/author"), n.w.options.Seed)
		seed := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(n.index)))
		n.key = ed25519.NewKeyFromSeed(seed[:])
	}
	return n.key
}

// Entropy gives random bytes of a site, as Rand gives numbers; reading never fails.
func (n *Node) Entropy(site string) io.Reader { return entropy{n, site} }

type entropy struct {
	n    *Node
	site string
}

func (e entropy) Read(b []byte) (int, error) {
	for i := 0; i < len(b); i += 8 {
		copy(b[i:], binary.BigEndian.AppendUint64(nil, e.n.Rand(e.site)))
	}
	return len(b), nil
}
