package dag

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// SigLen is the length of a signature, in bytes.
const SigLen = ed25519.SignatureSize

// Signer signs as one author. It must be safe for concurrent use. Sign gets a message of some 50 bytes (a domain string and an
// id) and returns a signature of SigLen bytes; an error stops the journal, for the chain cannot go on without it.
type Signer interface {
	Public() Key
	Sign(msg []byte) ([]byte, error)
}

type keySigner struct {
	priv ed25519.PrivateKey
	pub  Key
}

// NewSigner gives the signer of a private key, which it keeps. It panics when the key has not ed25519.PrivateKeySize bytes.
func NewSigner(priv ed25519.PrivateKey) Signer {
	pub, ok := priv.Public().(ed25519.PublicKey)
	if !ok || len(pub) != len(Key{}) {
		panic("dag: NewSigner: not an Ed25519 private key")
	}
	return &keySigner{priv: priv, pub: Key(pub)}
}

func (s *keySigner) Public() Key { return s.pub }

func (s *keySigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.priv, msg), nil }

// SignedMessage gives what an author signs for a delta: the domain string "merograph/delta/1", a zero byte, and the id.
func SignedMessage(id ID) []byte {
	return append([]byte(domainDelta), id[:]...)
}

// Verify tells whether sig is the author's signature of the delta. The rule is crypto/ed25519's, with keys of small
// order refused; it is the only rule there is.
func Verify(author Key, id ID, sig []byte) bool {
	return len(sig) == SigLen && !smallOrder(author) && ed25519.Verify(author[:], SignedMessage(id), sig)
}

func signID(s Signer, id ID) ([]byte, error) {
	sig, err := s.Sign(SignedMessage(id))
	if err != nil {
		return nil, fmt.Errorf("dag: sign %v: %w", id, err)
	}
	if len(sig) != SigLen {
		return nil, errors.New("dag: the signer gave a signature that has not 64 bytes")
	}
	return sig, nil
}

// smallY holds the y coordinates of the points whose order divides 8, little endian, canonical and not, with the sign
// bit cleared (the list of libsodium and of "Taming the many EdDSAs", §2).
var smallY = [...][32]byte{
	{0: 0},
	{0: 1},
	{
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	},
	{
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	},
	fieldPlus(0xec), // p - 1
	fieldPlus(0xed), // p, which is 0
	fieldPlus(0xee), // p + 1, which is 1
}

// fieldPlus gives the 32 bytes of 2^255 - 256 + low.
func fieldPlus(low byte) (y [32]byte) {
	for i := range y {
		y[i] = 0xff
	}
	y[0], y[31] = low, 0x7f
	return y
}

func smallOrder(k Key) bool {
	k[31] &= 0x7f
	for i := range smallY {
		if [32]byte(k) == smallY[i] {
			return true
		}
	}
	return false
}
