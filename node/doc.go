// Package node is a node: its configuration, its home, what it is composed of, and the order in which that starts and stops.
//
//	cfg := node.Default()
//	cfg.Home = dir
//	n, err := node.New(cfg, node.WithPart(api.New()))
//	err = n.Start(ctx)        // returns when the node is ready; a transport or an API that fails is a problem, not an error
//	put, err := n.State().Put(ctx, "greeting", []byte("hello"))
//	err = n.Stop(ctx)
//
// A node of one's own protocol is a main of ten lines; examples/presence is one:
//
//	cfg := node.Default()
//	err := cfg.Environment(os.Getenv)                    // MEROD_HOME, MEROD_BOOTSTRAP, …
//	n, err := node.New(cfg, node.WithPart(api.New()), node.WithProgram(Protocol(), "peer",
//		func(s *node.State) ([]graph.Option, error) {     // the bindings, once the transport runs
//			return []graph.Option{graph.Bind("members", s.Members())}, nil
//		}))
//	err = n.Run(ctx)                                      // until ctx ends
//
//	r, err := n.State().Program("presence", "peer")      // the way in: p2p.Ask, graph.FeedOf
//
// The State is the one place from which every part of a running node is reached. A Part is how a command, a test network
// or a custom main hands the node what stands above it, such as the API.
//
// Starting: config, home and identity, log and recovery, store, contexts, transport, the node's programs, discovery, the
// programs of the options, parts, ready. Local reads and writes work as soon as the log is open; what fails after that leaves
// the rest and is told in Status under problems. Stopping goes the other way, drains and syncs.
//
// WithHost brings a libp2p host of one's own. Without a bootstrap, a peer that looks on the local network (Discovery.MDNS) joins
// through the coordinators that it finds there; Reach says how it is reached behind a NAT.
//
// WithRecording writes what the programs are given to a file, for a replay.
//
// A home holds: stamp (its format and network), identity (the key), log (the history), store (derived), blobs, and while the
// node runs api (its address) and token.
package node
