package p2p

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/merograph/merograph/graph"
)

// Config says what a Host is.
type Config struct {
	Key     ed25519.PrivateKey // the node's identity, which is also its author key
	Listen  []string           // multiaddrs of TCP and QUIC; none: the host dials only
	Network string             // the network's name, for the log and for MDNS
	MDNS    bool               // announce this node on the local network, to those of the same Network, and find them
	Reach   Reach              // relays, hole punching; the zero value uses none
	Logger  *slog.Logger       // nil: silent
	Options []libp2p.Option    // added to ours, for tests and embedders; what ours set cannot be set twice
	Limits  Limits             // what is zero is the default
	Wall    func() time.Time   // the wall clock, for stamps; nil: the machine's

	// Host is a libp2p host that the embedder has made and will close, after this one. Its key must be ed25519 and is the
	// node's identity. It must run no gossipsub of its own. Its limits, addresses and security are the embedder's: Key,
	// Listen, Reach and Options are then left out, and the bytes of Stats are not counted.
	Host host.Host

	Record *graph.Recording // takes what every instance is given; nil for none
}

// Limits are the bounds of a Host; zero means the default.
type Limits struct {
	ConnsLow, ConnsHigh int   // connections above High are trimmed to Low: 160, 192
	Memory              int64 // that libp2p's resource manager may give out: 256 MiB; for the channels of one peer an eighth
	Files               int   // that it may open: 1024

	Queue           int // messages that wait on one stream: 256
	QueueBytes      int // their payloads: 4 of the channel's greatest size, and not less than this: 1 MiB
	AllQueueBytes   int // over all streams and publications: 128 MiB; of the streams to one peer an eighth
	StreamsPerPeer  int // that one peer may open on one channel: 4
	Links           int // (peer, channel) pairs that we keep a stream to: 8192
	Work            int // tasks that run at a time: 16
	TopicMessage    int // greatest publication, with its envelope: 1 MiB
	TopicQueue      int // publications that wait to go out: 256
	TopicQueueBytes int // their bytes, with the envelopes: 4 of TopicMessage, and not less than this: 8 MiB
	Seen            int // peers whose last sight is remembered: 4096
	Found           int // peers found on the local network: 1024

	WriteTime time.Duration // for one write to a peer that does not read: 10 s
	IdleTime  time.Duration // that a stream of ours is kept without use, about: 5 min; one of another's thrice as long
}

func (l *Limits) defaults() {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&l.ConnsLow, 160)
	set(&l.ConnsHigh, max(192, l.ConnsLow))
	if l.Memory <= 0 {
		l.Memory = 256 << 20
	}
	set(&l.Files, 1024)
	set(&l.Queue, 256)
	set(&l.QueueBytes, 1<<20)
	set(&l.AllQueueBytes, 128<<20)
	set(&l.StreamsPerPeer, 4)
	set(&l.Links, 8192)
	set(&l.Work, 16)
	set(&l.TopicMessage, 1<<20)
	set(&l.TopicQueue, 256)
	set(&l.TopicQueueBytes, 8<<20)
	set(&l.Seen, 4096)
	set(&l.Found, 1024)
	if l.WriteTime <= 0 {
		l.WriteTime = 10 * time.Second
	}
	if l.IdleTime <= 0 {
		l.IdleTime = 5 * time.Minute
	}
}

// check gives the listen addresses and the relays, or every mistake of the configuration.
func (c *Config) check() (addrs []ma.Multiaddr, relays []peer.AddrInfo, err error) {
	relays, faults := c.Reach.relays()
	switch {
	case c.Host == nil && len(c.Key) != ed25519.PrivateKeySize:
		faults = append(faults, errors.New("key: not an ed25519 private key: load one with LoadOrCreateIdentity"))
	case c.Host != nil && (len(c.Key) > 0 || len(c.Listen) > 0 || len(c.Options) > 0 || !c.Reach.isZero()):
		faults = append(faults, errors.New("host: it brings its own key, addresses and options: leave Key, Listen, Reach and Options out"))
	}
	if c.MDNS && c.Network == "" {
		faults = append(faults, errors.New("mdns: nodes find each other by the name of their network: give Network"))
	}
	for _, s := range c.Listen {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			faults = append(faults, fmt.Errorf("listen: %q is not a multiaddr (%w): write it like /ip4/127.0.0.1/tcp/2428", s, err))
			continue
		}
		addrs = append(addrs, a)
	}
	return addrs, relays, errors.Join(faults...)
}
