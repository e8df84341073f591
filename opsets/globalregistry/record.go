package globalregistry

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/merograph/merograph/graph"
)

// The bounds of a record.
const (
	maxAddresses = 16
	maxAddress   = 256 // bytes
	maxSignature = 128 // bytes
)

// A Record says where a peer can be reached, signed by that peer. Of two, the one with the greater Seq is newer.
type Record struct {
	Addresses []string `cbor:"addresses"`
	Seq       uint64   `cbor:"seq"`
	Signature []byte   `cbor:"signature"`
}

// Records signs as this node, and verifies what others have signed. Both are quick and touch nothing but memory.
type Records interface {
	Sign(addresses []string, seq uint64) (Record, error)
	Verify(p graph.Peer, r Record) error
}

// check refuses what is over the bounds, before anything is made of it.
func (r Record) check() error {
	if n := len(r.Addresses); n > maxAddresses {
		return graph.Fail(graph.Malformed, "%d addresses, the bound is %d", n, maxAddresses)
	}
	for _, s := range r.Addresses {
		if len(s) == 0 || len(s) > maxAddress {
			return graph.Fail(graph.Malformed, "an address of %d bytes, the bound is %d", len(s), maxAddress)
		}
	}
	if n := len(r.Signature); n > maxSignature {
		return graph.Fail(graph.Malformed, "a signature of %d bytes, the bound is %d", n, maxSignature)
	}
	return nil
}

func (r Record) equal(o Record) bool {
	return r.Seq == o.Seq && slices.Equal(r.Signature, o.Signature) && slices.Equal(r.Addresses, o.Addresses)
}

// size is about how many bytes the record takes in a message.
func (r Record) size() int {
	n := 64 + len(r.Signature)
	for _, a := range r.Addresses {
		n += 4 + len(a)
	}
	return n
}

// believe is the whole test of a record: within the bounds, and signed by p.
func believe(records Records, p graph.Peer, r Record) error {
	if len(p) == 0 || len(p) > maxPeer {
		return graph.Fail(graph.Malformed, "a peer of %d bytes, the bound is %d", len(p), maxPeer)
	}
	if err := r.check(); err != nil {
		return err
	}
	if err := records.Verify(p, r); err != nil {
		return graph.Fail(graph.Denied, "the address record is not signed by %s: %v", p, err)
	}
	return nil
}

// SignedMessage is what a peer signs: the purpose, its own identity, the number and the addresses, each with its length.
func SignedMessage(p graph.Peer, addresses []string, seq uint64) []byte {
	part := func(b []byte, s string) []byte { return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...) }
	b := part([]byte("merograph/record/1\x00"), string(p))
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint32(b, uint32(len(addresses)))
	for _, a := range addresses {
		b = part(b, a)
	}
	return b
}

// Keys is Records with ed25519: KeyOf gives the key that a peer's identity is made of.
type Keys struct {
	Self    graph.Peer
	Private ed25519.PrivateKey
	KeyOf   func(p graph.Peer) (ed25519.PublicKey, error)
}

var _ Records = Keys{}

// Sign implements Records.
func (k Keys) Sign(addresses []string, seq uint64) (Record, error) {
	return Record{addresses, seq, ed25519.Sign(k.Private, SignedMessage(k.Self, addresses, seq))}, nil
}

// Verify implements Records.
func (k Keys) Verify(p graph.Peer, r Record) error {
	key, err := k.KeyOf(p)
	if err != nil {
		return err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, SignedMessage(p, r.Addresses, r.Seq), r.Signature) {
		return fmt.Errorf("the signature of record %d does not fit", r.Seq)
	}
	return nil
}

// fitting leaves out the addresses that are over the bounds.
func fitting(addresses []string) []string {
	out := make([]string, 0, min(len(addresses), maxAddresses))
	for _, a := range addresses {
		if len(a) > 0 && len(a) <= maxAddress && len(out) < maxAddresses {
			out = append(out, a)
		}
	}
	return out
}
