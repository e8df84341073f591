package globalregistry

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"github.com/merograph/merograph/graph"
)

// The numbers of the registry.
const (
	TTL        = 90 * time.Second // of a registration, unless renewed
	Heartbeat  = TTL / 3          // between announces of a client: three chances before it expires
	Capacity   = 16384            // clients that a server holds
	SampleSize = 16               // others that a client asks for at a time
	Enough     = 16               // others that a client wants to know: it looks more often until then

	minHeartbeat = 10 * time.Second // what a client keeps to, whatever a server says
	maxHeartbeat = 100 * time.Second
	minTTL       = 30 * time.Second
	maxTTL       = 300 * time.Second

	firstWait = 500 * time.Millisecond // after a first failure
	lookSoon  = 5 * time.Second        // between samples, while few are known
	lookEvery = 2 * Heartbeat          // after that

	maxAddresses = 16
	maxAddress   = 256 // bytes
	maxContext   = 256 // bytes
	maxNonce     = 64  // bytes
	maxPeer      = 128 // bytes
)

// An Announcement says where its sender can be reached. Who that is, the transport says.
type Announcement struct {
	Addresses []string `cbor:"addresses"`
	Proof     []byte   `cbor:"proof,omitempty"` // in a network with a secret, once the server's nonce is known
}

// A Handshake answers an announcement: with the lease, or with a nonce to prove the secret over.
type Handshake struct {
	TTL       time.Duration `cbor:"ttl"`       // 0: not registered yet
	Heartbeat time.Duration `cbor:"heartbeat"` // announce again after this
	Addresses []string      `cbor:"addresses"` // the server's own
	Context   string        `cbor:"context"`   // the id of the network's default context, "" when there is none
	Nonce     []byte        `cbor:"nonce,omitempty"`
}

// Wanted asks for a sample of the cohort.
type Wanted struct {
	N int `cbor:"n"`
}

// A Cohort is a sample of the registered clients, without the one that asks.
type Cohort struct {
	Members []Member `cbor:"members"`
}

// A Member is a registered client: its identity as the server authenticated it, and where it can be reached.
type Member struct {
	Peer      graph.Peer `cbor:"peer"`
	Addresses []string   `cbor:"addresses"`
}

// Key is the member's place in a table.
func (m Member) Key() graph.Peer { return m.Peer }

// A Lease is what a client knows of its own registration.
type Lease struct {
	Registered bool
	Next       graph.Time // of the next announce
	Until      graph.Time // the server's TTL ends, unless renewed
	Heartbeat  time.Duration
	Failures   int    // in a row
	Nonce      []byte // the server's, to prove the secret over
	LastError  string
	Server     []string // the server's addresses
	Context    string   // the network's default context, as the server said last
}

// Looking is when a client samples the others next; 0 before it is registered.
type Looking struct{ Next graph.Time }

// Access is how a server admits: with a Secret, only who proves it. NonceKey is random for each start.
type Access struct{ Secret, NonceKey []byte }

// Members is what the server does for a client that has registered, such as granting it a credential. Admit may be called
// again for the same client and must not mind; it is durable when it returns.
type Members interface {
	Admit(ctx context.Context, m Member) (graph.Done, error)
}

// nonce is the server's for a client: the same for one start of the server, and worth nothing to another client.
func (a Access) nonce(client graph.Peer) []byte {
	m := hmac.New(sha256.New, a.NonceKey)
	m.Write([]byte(client))
	return m.Sum(nil)[:16]
}

// prove is the HMAC that shows the secret without telling it.
func prove(secret []byte, client, server graph.Peer, nonce []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("merograph/announce/1\x00" + string(client) + "\x00" + string(server) + "\x00"))
	m.Write(nonce)
	return m.Sum(nil)
}
