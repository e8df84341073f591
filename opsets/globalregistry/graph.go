package globalregistry

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Protocol records the registry.
func Protocol() *graph.Graph { return protocol(Capacity) }

func protocol(capacity int) *graph.Graph {
	g := graph.New("globalregistry", 1)
	client, server := g.Role("client"), g.Role("server")

	serverPeer := graph.Param[graph.Peer](client, "server_peer")
	mine := graph.Param[[]string](client, "addresses")
	secret := graph.Param[[]byte](client, "secret")
	lease := graph.Row[Lease](client, "lease")
	looking := graph.Row[Looking](client, "looking")
	known := graph.Table(client, "known", Member.Key, graph.Capacity(Capacity))
	lease.Expose()
	known.Expose()

	theirs := graph.Param[[]string](server, "addresses")
	access := graph.Param[Access](server, "access")
	common := graph.Param[string](server, "context")
	cohort := graph.Table(server, "cohort", Member.Key, graph.Capacity(capacity))
	members := graph.Component[Members](server, "members")
	cohort.Expose()

	// Announce, and keep to the lease.
	due := ops.Due(client, lease.Cell(), nextAnnounce)
	said := Prove(Announce(due, mine), lease.Cell(), serverPeer, secret)
	in, answer := graph.Call(said, serverPeer, server, announce, callTimeout, graph.Anyone)
	graph.Reply(in, Welcome(Register(in, cohort, access), theirs, common))
	Refresh(answer, lease, looking)
	BackOff(answer.Failed(), lease)

	// Whoever is registered is admitted; again at each heartbeat, so that no single failure keeps it out.
	here, gone := Present(cohort.Changes())
	graph.Work(here, members, "admit", Members.Admit, 10*time.Second)
	ops.Ignore(gone)

	// Know the others: soon after registering, and then all the time; the more often the fewer are known.
	look := ops.Due(client, looking.Cell(), nextLook)
	asked, some := graph.Call(Look(look), serverPeer, server, sample, callTimeout, graph.Anyone)
	graph.Reply(asked, Sampled(asked, cohort))
	Know(some, known)
	Looked(some, known, looking)
	LookLater(some.Failed(), looking)
	return g
}

const callTimeout = 5 * time.Second

var (
	announce = graph.Exchange[Announcement, Handshake]("announce", graph.MaxRequest(8<<10), graph.MaxReply(8<<10), graph.Rate(2, 10))
	sample   = graph.Exchange[Wanted, Cohort]("sample", graph.MaxRequest(64), graph.MaxReply(128<<10), graph.Rate(2, 10))
)
