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
	TTL       = 90 * time.Second // of a registration, where the server is bound to no other
	MinTTL    = 30 * time.Second // the floor, which both sides keep
	MaxTTL    = 300 * time.Second
	Heartbeat = TTL / 3 // between announces of a client: three chances before it expires

	Capacity   = 16384 // clients that a server holds
	MaxServers = 16    // of one client
	MaxKnown   = 1024  // others that a client keeps
	SampleSize = 12    // others that a client asks for at a time
	Enough     = 12    // others that a client wants to know: it looks more often until then
	MaxPage    = 64    // members of a page

	minHeartbeat = MinTTL / 3 // what a client keeps to, whatever a server says
	maxHeartbeat = MaxTTL / 3
	atOnce       = 4 // announces that may follow each other; over a longer time there is one a heartbeat

	firstWait = 500 * time.Millisecond  // after a first failure
	linkWait  = time.Second             // after a server is connected again
	lookSoon  = 5 * time.Second         // between samples, while few are known
	lookEvery = 4 * Heartbeat           // after that, at the most
	lingering = lookEvery + callTimeout // for which a client knows another longer than the lease was seen to last: until it looks again

	maxContext = 256 // bytes, as the next three
	maxNonce   = 64
	maxPeer    = 128
	maxPages   = 96 << 10 // of the members of a page
	slack      = 64       // networks of rows that have just gone
)

// An Announcement says where its sender can be reached. Who that is, the transport says.
type Announcement struct {
	Record Record `cbor:"record"`
	Proof  []byte `cbor:"proof,omitempty"` // in a network with a secret, once the server's nonce is known
}

// A Handshake answers an announcement: with the lease, or with a nonce to prove the secret over.
type Handshake struct {
	TTL       time.Duration `cbor:"ttl"`       // 0: not registered yet
	Heartbeat time.Duration `cbor:"heartbeat"` // announce again after this
	Addresses []string      `cbor:"addresses"` // the server's own
	Context   string        `cbor:"context"`   // the id of the network's default context, "" when there is none
	Nonce     []byte        `cbor:"nonce,omitempty"`
	Proof     []byte        `cbor:"proof,omitempty"` // with the lease: that the server, too, knows the secret
}

// Wanted asks for a sample of the cohort.
type Wanted struct {
	N int `cbor:"n"`
}

// A Cohort is a sample of the registered clients, without the one that asks.
type Cohort struct {
	Members []Shown `cbor:"members"`
}

// A Shown is a member with what is left of its lease.
type Shown struct {
	Peer   graph.Peer    `cbor:"peer"`
	Record Record        `cbor:"record"`
	Left   time.Duration `cbor:"left"`
}

// PageWanted asks for the members after a cookie, N of them or fewer; without a cookie, for the first.
type PageWanted struct {
	Cookie []byte `cbor:"cookie,omitempty"`
	N      int    `cbor:"n"` // 0: as many as there may be
}

// A Page is some members in the order of their peers. Whoever stays registered while the pages are read is on one of them.
type Page struct {
	Members []Shown `cbor:"members"`
	Next    []byte  `cbor:"next,omitempty"` // the cookie of the next page; none after the last
}

// A Parting takes its sender, and nobody else, out of the cohort.
type Parting struct{}

// Turning is a request of the node: for a page of a server's view.
type Turning struct {
	Server graph.Peer
	PageWanted
}

// Stop is a request of the node: to leave every server.
type Stop struct{}

// A Member is a registered client: its identity as the server authenticated it, and where it has signed to be.
type Member struct {
	Peer   graph.Peer `cbor:"peer"`
	Record Record     `cbor:"record"`
}

// Key is the member's place in a table.
func (m Member) Key() graph.Peer { return m.Peer }

// A Row is a member as the server keeps it, and the network that it counts in.
type Row struct {
	Member  Member
	Network string
}

// Key is the row's place in the cohort.
func (r Row) Key() graph.Peer { return r.Member.Peer }

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

// vouch is the server's own proof, for a client that has proved the secret. It needs no nonce: the transport says who the
// server is, and for itself it may say so again.
func vouch(secret []byte, client, server graph.Peer) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("merograph/register/1\x00" + string(client) + "\x00" + string(server)))
	return m.Sum(nil)
}
