package globalregistry

import "github.com/merograph/merograph/graph"

// recorded has a recording keep what steps read of the records: signatures and verdicts, never the key.
func recorded(r *graph.Reads, rs Records) Records {
	return &reads{rs, graph.Read[Record](r, "Sign"), graph.Read[graph.Done](r, "Verify")}
}

type reads struct {
	Records
	sign   graph.Reading[Record]
	verify graph.Reading[graph.Done]
}

// Sign implements Records.
func (r *reads) Sign(addresses []string, seq uint64) (Record, error) {
	return r.sign.Try(func() (Record, error) { return r.Records.Sign(addresses, seq) })
}

// Verify implements Records.
func (r *reads) Verify(p graph.Peer, rec Record) error {
	_, err := r.verify.Try(func() (graph.Done, error) { return graph.Done{}, r.Records.Verify(p, rec) })
	return err
}
