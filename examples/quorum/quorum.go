// Command quorum is a register that five replicas keep and that any three of them can read and write. Reading and writing
// take the same two steps: ask all what they hold, and go on with the newest of what most say; then have most hold what is
// to be held, which for a read is what was found (so stale replicas are repaired), and for a write is newer.
//
//	go run ./examples/quorum
package main

import (
	"cmp"
	"context"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Protocol draws it.
func Protocol() *graph.Graph { return protocol(Decide, Behind) }

func protocol(decide decider, behind teller) *graph.Graph {
	g := graph.New("quorum", 1)
	client, replica := g.Role("client"), g.Role("replica")
	replicas := graph.Param[[]graph.Peer](client, "replicas")
	disk := graph.Component[Disk](replica, "disk")

	asked := graph.Ask[Access, Answer](client, "access") // the way in: to read, or to write
	all := All(asked, replicas)                          // as they are now: a cell may change while we wait
	again := graph.Retry(3, 50*time.Millisecond, 400*time.Millisecond)

	// What do they hold? Who does not answer in time is an absence with its reason, a value like another.
	key, one := Key(asked), graph.ForEach(all, most)
	got, held := graph.Call(key, one, replica, get, patience, graph.Anyone, again)
	graph.Reply(got, graph.Work(ops.Value(got), disk, "load", Disk.Load, patience))
	known := graph.Gather(held)
	value := decide(asked, known) // fails when fewer than most have answered

	// Have most hold it; who does already need not be told.
	other := graph.ForEach(behind(value, known, all), most)
	put, stored := graph.Call(value, other, replica, store, patience, graph.Anyone, again)
	graph.Reply(put, graph.Work(ops.Value(put), disk, "store", Disk.Store, patience))
	settled := Settled(value, known, graph.Gather(stored))

	// One of the three has a value. A failure is an answer too: it says what was missing.
	graph.Reply(asked, graph.Merge(Done(settled), Unsettled(value.Failed()), Unsettled(settled.Failed())))
	return g
}

const (
	most     = 16 // replicas
	patience = 500 * time.Millisecond
)

var (
	get   = graph.Exchange[string, Register]("get", graph.MaxRequest(256), graph.MaxReply(8<<10))
	store = graph.Exchange[Register, Version]("store", graph.MaxRequest(8<<10), graph.MaxReply(64))
)

// A Version orders what a register has held. Two writes never have the same one, not even two tries of one writer: it may
// have crashed in between, or reached other replicas. So what tells them apart is drawn, not the writer's name.
type Version struct {
	N   uint64
	Tag uint64
}

// Compare is the order of versions.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.N, w.N), cmp.Compare(v.Tag, w.Tag))
}

// A Register is a value under a key, of a version; the zero version has never been written.
type Register struct {
	Key     string
	Text    string
	Version Version
}

// Access is what a client asks for: to read the register of a key, or to write it.
type Access struct {
	Key, Text string
	Write     bool
}

// An Answer is what came of it. After a failure it is not known whether a write has happened: a later read tells.
type Answer struct {
	Register Register
	Failure  string // "" when it is done
}

// Disk is what a replica needs: what Store has returned survives a crash. Store keeps the newer of two versions.
type Disk interface {
	Load(ctx context.Context, key string) (Register, error)
	Store(ctx context.Context, r Register) (Version, error)
}
