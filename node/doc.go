// Package node is a node: its configuration, its home, what it is composed of, and the order in which that starts and stops.
//
//	cfg := node.Default()
//	cfg.Home = dir
//	n, err := node.New(cfg, node.WithPart(api.New()))
//	err = n.Start(ctx)        // returns when the node is ready; a transport or an API that fails is a problem, not an error
//	put, err := n.State().Put(ctx, "greeting", []byte("hello"))
//	err = n.Stop(ctx)
//
// The State is the one place from which every part of a running node is reached. A Part is how a command, a test network
// or a custom main hands the node what stands above it, such as the API.
//
// Starting: config, identity, log and recovery, store, contexts, transport, programs, discovery, parts, ready. Local reads and
// writes work as soon as the log is open; what fails after that is told in Status under problems. Stopping goes the other
// way, drains and syncs.
//
// WithRecording writes what the programs are given to a file, for a replay.
//
// A home holds: identity (the key), log (the history), index (derived), blobs, and while the node runs api (its address)
// and token.
package node
