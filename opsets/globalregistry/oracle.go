package globalregistry

import (
	"encoding/binary"
	"errors"
	"slices"

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
