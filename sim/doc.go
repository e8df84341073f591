// Package sim runs a protocol on a simulated host and network: virtual time, faults that a seed chooses, properties that
// are checked on the way, and a hash of all that happened. The same program that runs here runs over libp2p.
//
// # What a user types
//
//	var Scenario = sim.Scenario{
//		Name:  "echo",
//		Graph: Protocol,
//		Roles: func(nodes int) []string { … },                 // the role of each node by index
//		Bind: func(n *sim.Node) []graph.Option {               // at each start and restart of a node
//			return []graph.Option{graph.Bind("server_peer", n.World().Nodes()[0].ID())}
//		},
//		Script: func(w *sim.World) {                           // the workload
//			w.Every(time.Second, 200*time.Millisecond, func(n *sim.Node) {
//				if n.Role() == "client" {
//					graph.Submit(n.Instance(), "say", "hello", 5*time.Second, func(string, error) { … })
//				}
//			})
//		},
//		Properties: []sim.Property{{Name: "…", Kind: sim.Safety, Check: func(w *sim.World) error { … }}},
//	}
//
//	faults, err := sim.ParseFaults("loss,churn")
//	report, err := sim.Run(Scenario, sim.Options{Nodes: 100, Seed: 7, Time: 10 * time.Minute, Faults: faults})
//
// # What it models
//
// A node is one processor: each event that its instance takes costs it time, drawn per node, and what arrives meanwhile
// waits in the inbox, so that overload, lateness and busy happen. What a tick sends leaves when its event has been paid
// for. Work is run at its virtual completion, and is lost when the node crashes before that.
//
// Between two nodes there is one connection, opened on first use, with a latency drawn per pair. It carries requests,
// replies and one-way messages in order. It never loses one message: it breaks, and then what was on the way is gone,
// open calls end with lost, and the next message opens a new one. A peer that is down is unreachable. Topics flood over a
// random overlay, drop what they have seen in the last two minutes, and may lose, repeat and reorder single messages.
//
// A crash takes the instance and everything in memory. Node.Kept stays, and Scenario.OnCrash may take from it what was not
// synced. A partition or a one-way cut tells nobody: what is sent into it vanishes, until a keepalive breaks the
// connection. Each node has a steady clock and a calendar of its own, which the fault skew makes drift and jump. Faults end
// when three quarters of the run are over, or earlier when a liveness property asks for more time: everything is up again
// and the network is whole, so that liveness can be judged at the end.
//
// # What it finds
//
// What may go wrong in a run, and how much of it, is a value: a Plan, drawn from the seed (PlanOf) or written by hand. With
// Options.Swarm each seed leaves out half of the kinds of fault; Sum makes a Campaign of the reports of many seeds. Hostile nodes
// run a Program of their own, with a valid identity (Scenario.Hostile). Shrink takes a failing run, writes down what went
// wrong in it as overrides and deletes what the failure does not need; Explain tells the rest as a Story:
//
//	story, err := sim.Explain(Scenario, sim.Options{Nodes: 20, Seed: 23, Time: 10 * time.Minute, Faults: sim.All, Swarm: true}, 0)
//	fmt.Println(story) // which property, which faults are enough, who said what to whom at the end
//
// # Recordings
//
// Replay runs what a real node recorded again (graph.Record, merod run --record): to the same trace hash, or it names the
// first event with which an instance does something else.
//
// # Determinism
//
// Everything that a run draws is a choice: a function of the seed, the site (what is drawn), the node and how often that
// node has drawn there. Options.Overrides replaces single choices, so that a run can be bent or shrunk without moving the
// choices of anything else. The trace hash covers every event of the scheduler, every tick and every message; two runs of
// one scenario and one set of options on one version of the code have equal hashes.
//
// When two runs part that should not, Diverge finds the thousand events in which they do, and Compare the very step.
package sim
