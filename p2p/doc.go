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
// # What it promises
//
// Send never blocks: each (peer, channel) has a bounded queue and one writer, which dials, opens the stream, keeps it and
// writes. What does not fit in the queue is refused with busy; what could not be handed to the wire is unreachable; what was
// on a stream that broke is lost. Messages of one channel to one peer arrive in order, at most once; a new stream takes over
// only after the one before it has been read to its end.
//
// A length is checked against the channel's declared bound before memory is taken. A stream that carries anything else
// than the frames of docs/formats/frames.md ends, is counted by reason, and harms nobody else. The first frame carries a
// fingerprint of what the channel means; when the two ends differ, both say so in words.
//
// A message to oneself goes through the same codec, bounds and inbox, over a pipe in place of a stream.
//
// With Config.Record, what every instance is given is recorded (graph.Record).
//
// Every goroutine has an owner that waits for it: a Running waits for its loop and its work, a Host for its streams, links,
// topics and workers. Only go-libp2p-pubsub's own goroutines end shortly after Close, since it gives no way to wait.
//
// # What is not here yet
//
// Discovery on a local network, relays and hole punching, priorities between queues, signed topics, scores of peers, and
// the closing of idle streams. Nothing stands in for them.
package p2p
