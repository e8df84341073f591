// Package outbox is what a node has written and its peers have not acknowledged, peer by peer. It is derived: from the journal,
// which knows what was written here, and from what each peer has said that it has synced, which replicate keeps in a table
// that others may see.
//
//	box := outbox.New(journal, ctx, mine, keyOf)
//	running, err := host.Run(program, graph.Bind("outbox", replicate.Outbox(box)), …)   // replicate acknowledges and delivers
//	status := box.Status(view, near)                                                  // {outboxSize, queued, inFlight, …}
//
// What a peer has acknowledged settles nothing for another. A peer that is away has failed nothing: what is queued for it waits.
// Failed is what a connected peer refuses, with its reason. After a restart nothing counts as acknowledged until the peers have
// said so again, which each does when it connects.
package outbox
