// Command hello is the protocol of docs/first-protocol.md: guests say hello at a desk, and hear who else is there.
//
//	go run ./examples/hello sim
//	go run ./examples/hello net
package main

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// A Guest is a row of the desk's book.
type Guest struct {
	Peer graph.Peer
	Name string
}

// Key is its place in the book.
func (g Guest) Key() graph.Peer { return g.Peer }

// Welcome is what the desk answers: the names of all who are there.
type Welcome struct{ Here []string }

var hello = graph.Exchange[string, Welcome]("hello", graph.MaxRequest(128), graph.MaxReply(16<<10))

type (
	book     = *graph.Rows[graph.Peer, Guest]
	greeting = *graph.Request[string, Welcome]
	question = *graph.Request[string, []string]
)

var opset = graph.NewOpset("hello")

// Say takes the name when it is time to say it.
var Say = graph.Op2(opset, "say", 1, func(_ *graph.Tick, _ graph.Time, name string) (string, error) {
	return name, nil
})

// Write puts who said hello into the book, for ten seconds.
var Write = graph.Op2(opset, "write", 1, func(_ *graph.Tick, r greeting, b book) (graph.Done, error) {
	return graph.Done{}, b.Put(Guest{Peer: r.From, Name: r.Value}, 10*time.Second)
})

// Read lists who is in the book, once it is written.
var Read = graph.Op2(opset, "read", 1, func(_ *graph.Tick, _ graph.Done, b book) (Welcome, error) {
	var w Welcome
	for _, g := range b.View().All() {
		w.Here = append(w.Here, g.Name)
	}
	return w, nil
})

// Tell answers the guest's own person.
var Tell = graph.Op2(opset, "tell", 1, func(_ *graph.Tick, _ question, room Welcome) ([]string, error) {
	return room.Here, nil
})

// Protocol draws it.
func Protocol() *graph.Graph {
	g := graph.New("hello", 1)
	guest, desk := g.Role("guest"), g.Role("desk")

	name := graph.Param[string](guest, "name")
	where := graph.Param[graph.Peer](guest, "desk")
	room := graph.Row[Welcome](guest, "room")
	people := graph.Table(desk, "people", Guest.Key, graph.Capacity(100))
	room.Expose()
	people.Expose()

	now := ops.Every(guest, time.Second, 200*time.Millisecond)
	said, answer := graph.Call(Say(now, name), where, desk, hello, 3*time.Second, graph.Anyone)
	graph.Reply(said, Read(Write(said, people), people))
	ops.Set(answer, room)
	ops.Clear(answer.Failed(), room)

	who := graph.Ask[string, []string](guest, "who")
	graph.Reply(who, Tell(who, room.Cell()))
	return g
}
