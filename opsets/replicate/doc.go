// Package replicate keeps the nodes of a context at the same set of deltas. What a node writes it publishes as soon as it
// is synced, and whoever hears it takes it in, and passes it on once that is synced too. Of what stands on something unknown the
// past is asked back of who handed it over, 64 deltas at most. All that may be lost, repeated or out of order: the truth is catch-up. Two nodes
// compare digests on connecting, on a delta whose past cannot be asked back for, and every 10 to 30 s; when they differ each asks
// the other for what it lacks, page by page, until they agree.
//
// Who has taken in what a neighbour wrote acknowledges it, once it is synced: within a second, for all that came meanwhile, and
// with each comparison that shows no difference. What a neighbour does not acknowledge in time is delivered to it alone, in
// batches, a few times; then it is left to catch-up. An acknowledgement is of one peer and settles nothing for another.
//
// Roles: peer. An instance serves one context, whose id is its key.
//
// What must hold: nothing is told before it is synced; after the network has healed all nodes that live hold the same
// deltas; a delta is admitted once, after its past; what one peer sends costs at most its share.
package replicate
