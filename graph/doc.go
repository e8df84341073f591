// Package graph is the language of Merograph: a peer protocol is recorded once, as a typed dataflow graph with one part
// for each role; Compile gives the program of a role; Start gives an instance of it on a host, which may be a real node
// or the simulator. The package imports nothing of this tree, starts no goroutine, reads no clock and opens no socket.
//
// # What a user types
//
//	func Protocol() *graph.Graph {
//		g := graph.New("echo", 1)
//		client, server := g.Role("client"), g.Role("server")
//
//		peer := graph.Param[graph.Peer](client, "server_peer")       // a cell, bound at Start
//		said := graph.Ask[string, string](client, "say")             // origin: a local request, the way in
//		in, answer := graph.Call(Text(said), peer, server, echo, 5*time.Second, graph.Anyone)
//		graph.Reply(in, Shout(in))                                   // in: at the server, an activation of its own
//		graph.Reply(said, answer)                                    // answer: back at the client, the same activation
//		return g
//	}
//
//	var echo = graph.Exchange[string, string]("echo", graph.MaxRequest(4<<10), graph.MaxReply(4<<10))
//	var Ops = graph.NewOpset("echo")
//	var Shout = graph.Op1(Ops, "shout", 1, func(x *graph.Tick, r *graph.Request[string, string]) (string, error) {
//		return strings.ToUpper(r.Value), nil
//	})
//
//	prog, err := graph.Compile(Protocol(), "client")             // every fault at once
//	inst, err := graph.Start(prog, host, graph.Bind("server_peer", peer))
//	graph.Submit(inst, "say", "hello", time.Second, func(a string, err error) { … })
//	for inst.Next() { }                                          // the host drives: one event at a time
//	at, ok := inst.Deadline()                                    // and asks when to come back
//
// Text, Mermaid, DOT and Describe draw a graph: to be read aloud, to be looked at, and as plain data; Description.Count adds
// what running instances did.
//
// # The words
//
// A graph has roles. A step is an op placed in a role; a Wire is the typed value that one step makes and others read; a
// Cell is a typed value that is read at the moment a step fires. An origin is where an activation begins: an Ask, a timer,
// a received message, a change of a table, a failure that nobody handled. A table is soft state. A component is a durable
// or heavy capability that is bound at Start. A channel crosses from role to role: an Exchange, a Message, a Topic.
//
// # What it means
//
// One event at a time is taken from the instance's inbox and runs as a tick: steps fire, lowest recording index first,
// until none is ready; then the tick's table changes and sends are committed together. A tick with a failure that nobody
// handles has no effect. A Call or a Work suspends the activation, and its answer resumes it in a tick of its own. The
// tests whose names begin with TestMeaning are the specification, one group for each number of the design. Joins over time are
// ops that are made of tables (package ops).
//
// # Recording
//
// What a host gives an instance can be recorded, and run again on another day and another machine:
//
//	rec := graph.NewRecording(1<<30, wake)                         // one for all instances of a node; bytes at most
//	inst, err := graph.Start(prog, host, graph.Record(rec), …)
//	part, more := rec.Take()                                       // after each wake: to a file, by whoever owns one
//	rec.End("the node stopped")
//
//	r, err := graph.Replay(file, graph.ReplayOptions{Program: find})
//	r.OK(); r.Instances[0].Parted; r.Instances[0].Why              // the first event with which it did something else
//
// Recorded and played instance roll the same trace hash: over every tick with the steps that fired, the rows that changed
// and the failure, and over every message, work and answer with its bytes. A step that reads a component reads it through
// what the opset gave to ComponentOf.Recorded. docs/formats/recording.md is the form of the file.
//
// # What is not here yet
//
// A trace id that follows an activation across nodes.
package graph
