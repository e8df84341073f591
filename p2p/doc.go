// Package p2p carries graph programs over go-libp2p: it is the graph.Host of a real node. It opens the node's one libp2p
// host, runs each instance on a goroutine of its own, and moves what the instances send as frames over kept streams and as
// publications over one gossipsub router. It knows channels, bounds and rules as graph declares them, and nothing of what
// the messages mean.
//
// # What a user types
//
//	key, err := p2p.LoadOrCreateIdentity(filepath.Join(home, "identity"))
//	h, err := p2p.New(ctx, p2p.Config{Key: key, Listen: []string{"/ip4/127.0.0.1/tcp/2428", "/ip4/127.0.0.1/udp/2428/quic-v1"}})
//	for _, err := range h.ListenErrors() { … }                    // the host runs without that listener
//	err = h.Connect(ctx, "/ip4/10.0.0.7/tcp/2428/p2p/12D3KooW…")  // what Addrs of the other gives
//	r, err := h.Run(prog, graph.Bind("server_peer", peer))        // an instance, driven until Stop or Close
//	answer, err := p2p.Ask[string, string](ctx, r, "say", "hello")
//	err = r.Do(ctx, func(in *graph.Instance) { counters = in.Counters() })
//	err = h.Close()                                               // waits for everything it started
//
// And when it is wanted, in the Config:
//
//	MDNS: true, Network: "main"                                   // find the nodes of this network nearby: h.Found()
//	Reach: p2p.Reach{Through: relays, HolePunch: true}            // be reached behind a NAT
//	Reach: p2p.Reach{Relay: true, AutoNAT: true}                  // help others with it
//	h.Addresses(), h.Reachable()                                  // feeds of where others reach this host, and whether
//	Host: mine                                                    // a libp2p host of the embedder's
//
// # What it promises
//
// Send never blocks: each (peer, channel) has a bounded queue and one writer, which dials, opens the stream, keeps it and
// writes. What does not fit in the queue is refused with busy; what could not be handed to the wire is unreachable; what was
// on a stream that broke is lost. Messages of one channel to one peer arrive in order, at most once; a new stream takes over
// only after the one before it has been read to its end. Calls of one channel may overtake each other.
//
// Replies, errors and cancels go first, then what the node asks for itself, then what it asks in work for another peer
// (graph.Message.Relayed): on one stream, between the streams to one peer, and among publications. Nothing waits for its
// turn longer than 100 ms, so none of the three starves, and a stream whose reader is stuck holds up the others at most so
// long. What is relayed has half of each queue; what waits for one peer is at most an eighth of what may wait. A request
// whose deadline passes in a queue is not sent and fails with expired; a reply that nobody waits for any more is not sent
// and counted.
//
// What others make us hold is bounded by what the channels declare: libp2p's resource manager lets a peer have as many
// streams as the channels together take, and as much memory as these could fill, at most an eighth of Limits.Memory, as
// programs start. A length is checked against the channel's declared bound before memory is taken, and a large frame is
// charged before it is read. A stream that carries anything else than the frames of docs/formats/frames.md ends, is counted
// by reason, and harms nobody else. The first frame carries a fingerprint of what the channel means; when the two ends
// differ, both say so in words.
//
// A publication of a topic with a graph.Relay line is passed on when its instance has accepted it, which may take a sync: at most
// 1024 wait on a topic, each 10 s, their bytes in the share that their neighbour has of the instance's inbox. Who hands over
// what is rejected is not heard after the fourth time, for some minutes. Nothing else lowers its score.
//
// A stream that nobody uses is ended by its opener, and one whose opener is silent by us. A peer that does not read loses
// its stream when a write takes longer than Limits.WriteTime.
//
// A message to oneself goes through the same codec, bounds and inbox, over a pipe in place of a stream.
//
// With Config.Record, what every instance is given is recorded (graph.Record).
//
// Every goroutine has an owner that waits for it: a Running waits for its loop and its work, a Host for its streams, links,
// topics and workers. Only go-libp2p-pubsub's own goroutines end shortly after Close, since it gives no way to wait.
//
// # What is not here
//
// Dialing the nodes that one joins through, again and again, is the node's: it knows them and has to tell a person. Signed
// topics are not here yet. A stream on a relayed connection stays there until the relay's limits end
// it, when a direct one has come meanwhile; the next one goes direct. Nothing stands in for these.
package p2p
