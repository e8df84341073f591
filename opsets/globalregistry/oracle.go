package globalregistry

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/merograph/merograph/graph"
)

// oracle is Records in the simulation: a keyed hash in the place of a signature. What holds one signs as its own node alone,
// so nobody forges another's, the hostile no more than the others.
type oracle struct {
	self graph.Peer
	seed uint64
}

// Sign implements Records.
func (o oracle) Sign(addresses []string, seq uint64) (Record, error) {
	return Record{addresses, seq, o.sum(o.self, addresses, seq)}, nil
}

var errForged = errors.New("a forged record")

// Verify implements Records.
func (o oracle) Verify(p graph.Peer, r Record) error {
	if !slices.Equal(r.Signature, o.sum(p, r.Addresses, r.Seq)) {
		return errForged
	}
	return nil
}

func (o oracle) sum(p graph.Peer, addresses []string, seq uint64) []byte {
	h := (o.seed ^ 0xcbf29ce484222325) * 0x100000001b3
	add := func(s string) {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 0x100000001b3
		}
		h = (h ^ 0x100) * 0x100000001b3
	}
	add(string(p))
	for _, a := range addresses {
		add(a)
	}
	h = (h ^ seq) * 0x9e3779b97f4a7c15
	return binary.BigEndian.AppendUint64(nil, h^h>>29)
}

// liar is Records of a hostile node with a valid key: it believes everything, and what it signs is a lie of its kind.
type liar struct {
	oracle
	kind  int
	heard Record // what another has signed
}

// The kinds of liar.
const (
	forger   = iota // announces the addresses of others under a signature that is none
	replayer        // announces what another has signed
	giant           // announces more and longer addresses than there may be, well signed
	mover           // is somewhere else each time, well signed: of all its lies this is none
	liars
)

// Verify implements Records: everything is believed, and kept to be replayed.
func (l *liar) Verify(p graph.Peer, r Record) error {
	if p != l.self {
		l.heard = r
	}
	return nil
}

// Sign implements Records.
func (l *liar) Sign(addresses []string, seq uint64) (Record, error) {
	switch l.kind {
	case forger:
		return Record{[]string{"/ip4/51.0.0.1/tcp/2428"}, seq, []byte("truly signed by the one whose it is")}, nil
	case replayer:
		if len(l.heard.Signature) > 0 {
			return l.heard, nil
		}
	case giant:
		if seq%2 == 0 {
			return l.oracle.Sign(slices.Repeat(addresses, maxAddresses+1), seq)
		}
		return l.oracle.Sign([]string{strings.Repeat("x", 4000)}, seq)
	case mover:
		return l.oracle.Sign([]string{"/ip4/9." + string('0'+rune(seq%10)) + ".1.1/tcp/1"}, seq)
	}
	return l.oracle.Sign(addresses, seq)
}
