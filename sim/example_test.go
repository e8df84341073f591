package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

var ops = graph.NewOpset("echo")

var shout = graph.Op1(ops, "shout", 1, func(_ *graph.Tick, r *graph.Request[string, string]) (string, error) {
	return strings.ToUpper(r.Value), nil
})

var text = graph.Op1(ops, "text", 1, func(_ *graph.Tick, r *graph.Request[string, string]) (string, error) { return r.Value, nil })

func echo() *graph.Graph {
	g := graph.New("echo", 1)
	client, server := g.Role("client"), g.Role("server")
	peer := graph.Param[graph.Peer](client, "server_peer")
	said := graph.Ask[string, string](client, "say")
	ex := graph.Exchange[string, string]("echo", graph.MaxRequest(64), graph.MaxReply(64))
	in, answer := graph.Call(text(said), peer, server, ex, time.Second, graph.Anyone)
	graph.Reply(in, shout(in))
	graph.Reply(said, answer)
	return g
}

// tally is what the clients saw.
type tally struct{ answered, wrong, failed int }

var scenario = sim.Scenario{
	Name:  "echo",
	Graph: echo,
	Roles: func(nodes int) []string {
		roles := []string{"server"}
		for len(roles) < nodes {
			roles = append(roles, "client")
		}
		return roles
	},
	Bind: func(n *sim.Node) []graph.Option {
		if n.Role() == "server" {
			return nil
		}
		return []graph.Option{graph.Bind("server_peer", n.World().Nodes()[0].ID())}
	},
	Script: func(w *sim.World) {
		t := &tally{}
		w.State = t
		w.Every(time.Second, 100*time.Millisecond, func(n *sim.Node) {
			if n.Role() != "client" {
				return
			}
			graph.Submit(n.Instance(), "say", "hello", 5*time.Second, func(a string, err error) {
				switch {
				case err != nil:
					t.failed++
				case a == "HELLO":
					t.answered++
				default:
					t.wrong++
				}
			})
		})
	},
	Properties: []sim.Property{{Name: "the echo is loud", Kind: sim.Safety, Check: func(w *sim.World) error {
		if w.State.(*tally).wrong > 0 {
			return errors.New("an answer is not loud")
		}
		return nil
	}}},
}

func Example() {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		fmt.Println(err)
		return
	}
	o := sim.Options{Nodes: 10, Seed: 7, Time: 5 * time.Minute, Faults: faults}
	one, err := sim.Run(scenario, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	two, err := sim.Run(scenario, o)
	fmt.Println(err, one.OK, one.Faults["crashes"] > 0, one.TraceHash == two.TraceHash)
	_, err = sim.ParseFaults("rain")
	fmt.Println(err)
	// Output:
	// <nil> true true true
	// fault "rain" is not known: choose of loss, delay, reorder, duplicate, bandwidth, partition, oneway, churn, skew, disk, backup, clone, hostile, or none
}
