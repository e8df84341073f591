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

	servers := graph.Param[[]graph.Peer](client, "servers")
	connected := graph.Param[[]graph.Peer](client, "connected")
	mine := graph.Param[[]string](client, "addresses")
	secret := graph.Param[[]byte](client, "secret")
	signs := graph.Component[Records](client, "records").Recorded(recorded)
	record := graph.Row[Record](client, "record")
	leases := graph.Table(client, "leases", Lease.Key, graph.Capacity(MaxServers))
	looking := graph.Row[Looking](client, "looking")
	known := graph.Table(client, "known", Member.Key, graph.Capacity(MaxKnown))
	leases.Expose()
	known.Expose()

	theirs := graph.Param[[]string](server, "addresses")
	common := graph.Param[string](server, "context")
	access := graph.Param[Access](server, "access")
	ttl := graph.Param[time.Duration](server, "ttl")
	quota := graph.Param[Quota](server, "quota")
	verifies := graph.Component[Records](server, "records").Recorded(recorded)
	members := graph.Component[Members](server, "members")
	cohort := graph.Table(server, "cohort", Row.Key, graph.Capacity(capacity))
	networks := graph.Table(server, "networks", Network.Key, graph.Capacity(capacity+slack))
	cohort.Expose()
	networks.Expose()

	// Each server has a lease, and each lease its own time: announce there, and keep to what the server dictates.
	Enlist(ops.Changed(client, servers), servers, leases)
	Hasten(ops.Changed(client, connected), connected, leases)
	to, none := Turn(ops.Due(client, leases.View(), nextAnnounce), leases)
	ops.Ignore(none)
	said := Prove(Announce(to, mine, record, signs), to, leases.View(), secret)
	in, answer := graph.Call(said, to, server, announce, callTimeout, graph.Anyone)
	trusted := Trust(answer, to, secret)
	Refresh(trusted, to, leases, looking)
	BackOff(graph.Merge(answer.Failed(), trusted.Failed()), to, leases)

	// Who proves the secret, and signed where it is, is registered; whoever does not prove it is told what to prove it over.
	proven, unproven := Proven(in, access)
	row := Place(Claim(proven, verifies, cohort), cohort, networks, quota)
	welcome := Welcome(Register(row, cohort, ttl, access), theirs, common)
	graph.Reply(in, graph.Merge(welcome, Challenge(unproven, access)))

	// Whoever is registered is admitted; again at each heartbeat, so that no single failure keeps it out.
	here, gone := Present(cohort.Changes())
	graph.Work(Admitted(here), members, "admit", Members.Admit, 10*time.Second)
	Vacate(gone, networks)

	// Know the others: soon after registering, and then all the time; the more often the fewer are known.
	at, nobody := Whom(ops.Due(client, looking.Cell(), nextLook), leases.View())
	ops.Ignore(nobody)
	asked, some := graph.Call(Look(at), at, server, sample, callTimeout, graph.Anyone)
	graph.Reply(asked, Sampled(asked, cohort))
	Looked(Know(some, known, signs), known, looking)
	LookLater(some.Failed(), looking)

	// The whole view of a server, page by page; and both ways to read, on the server itself.
	turn := graph.Ask[Turning, Page](client, "view")
	opened, page := graph.Call(Cookie(turn), Of(turn), server, view, callTimeout, graph.Anyone)
	graph.Reply(opened, Viewed(opened, cohort))
	graph.Reply(turn, Believe(page, signs))
	draw, list := graph.Ask[Wanted, Cohort](server, "sample"), graph.Ask[PageWanted, Page](server, "view")
	graph.Reply(draw, Sampled(draw, cohort))
	graph.Reply(list, Viewed(list, cohort))

	// Leave: every server that has registered this client is told, and forgets it at once.
	stop := graph.Ask[Stop, graph.Done](client, "leave")
	from := graph.ForEach(Leave(stop, leases), MaxServers)
	bye, parted := graph.Call(Goodbye(from), from, server, leave, leaveTimeout, graph.Anyone)
	graph.Reply(bye, Strike(bye, cohort))
	graph.Reply(stop, Left(graph.Gather(parted)))
	return g
}

const (
	callTimeout  = 5 * time.Second
	leaveTimeout = time.Second
)

var (
	announce = graph.Exchange[Announcement, Handshake]("announce", graph.MaxRequest(8<<10), graph.MaxReply(8<<10), graph.Rate(2, 10))
	sample   = graph.Exchange[Wanted, Cohort]("sample", graph.MaxRequest(64), graph.MaxReply(128<<10), graph.Rate(2, 10))
	view     = graph.Exchange[PageWanted, Page]("view", graph.MaxRequest(256), graph.MaxReply(128<<10), graph.Rate(20, 40))
	leave    = graph.Exchange[Parting, graph.Done]("leave", graph.MaxRequest(64), graph.MaxReply(64), graph.Rate(2, 10))
)
