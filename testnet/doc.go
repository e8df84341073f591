// Package testnet makes networks on one machine: real libp2p nodes in this process, each with a home of its own; replays of
// recorded editing sessions over them; the simulations of the protocols; and replays of what a node recorded.
//
//	report, err := testnet.Up(ctx, testnet.UpOptions{Nodes: 4, For: 15 * time.Second, Out: os.Stdout})
//	report, err := testnet.Replay(ctx, "session.json.gz", testnet.ReplayOptions{Nodes: 3})
//	report, err := testnet.Sim("globalregistry", testnet.SimOptions{Nodes: 100, Time: 10 * time.Minute, Seed: 7, Faults: "loss,churn"})
//	report, err := testnet.SimReplay("node.rec", testnet.SimOptions{})
package testnet

import "errors"

// ErrUsage is wrapped by the errors of what was asked for wrongly.
var ErrUsage = errors.New("wrong usage")
