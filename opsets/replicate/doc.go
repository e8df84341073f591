// Package replicate keeps the nodes of a context at the same set of deltas. What a node writes it publishes as soon as it
// is synced, and whoever hears it takes it in, and passes it on once that is synced too. Of what stands on something unknown the
// past is asked back of who handed it over, 64 deltas at most. All that may be lost, repeated or out of order: the truth is
// catch-up. Two nodes compare digests on connecting, on a delta whose past cannot be asked back for, and every 10 to 30 s; when
// they differ each asks the other for what it lacks, page by page, until they agree. What lacks is found by the tips that have
// come since the two agreed, by all tips while there are at most 1,000, else by ranges of chains whose salted sums differ
// (docs/catch-up.md). One round at a time does so. What is more than a page comes in portions, the oldest first, each asked of a
// neighbour that has nothing to do, and is taken in in order; whoever does not serve one loses it to another.
//
// Who has taken in what a neighbour wrote acknowledges it, once it is synced: within a second, for all that came meanwhile, and
// with each comparison that shows no difference. What a neighbour does not acknowledge in time is delivered to it alone, in
// batches, a few times; then it is left to catch-up. An acknowledgement is of one peer and settles nothing for another; a later
// one stands for the earlier, in whatever order they come, and what strangers acknowledge is not kept.
//
// Roles: peer. An instance serves one context, whose id is its key. Protocol is for a context that is public: everyone may take part,
// and what is written is published on a topic. Private is for one that is not: it takes its members as a parameter, and who is none
// may use none of its channels. There what is written is pushed over streams to six neighbours at once, drawn each time, and its
// name to the rest; who lacks what is named asks for it, of two at most; and whoever takes it in does the same with its own
// neighbours. Who hands over what is false for everyone is not listened to for a minute.
//
// What must hold: nothing is told before it is synced; after the network has healed all nodes that live hold the same
// deltas; a delta is admitted once, after its past; what one peer sends costs at most its share.
package replicate
