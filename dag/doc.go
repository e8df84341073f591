// Package dag is the history of a local-first node: a causal graph of signed deltas, and the log that keeps it. It is
// usable alone. The rules are those of DATA.md; the bytes are in docs/formats/delta.md and docs/formats/log.md.
//
// A Delta is one step of one author. It names the delta before it in its author's chain, the other deltas that it was made
// on, and the credential that lets its author write; its id is the hash of its canonical encoding. A context is a graph
// of deltas that begins at a genesis and is named by its id.
//
// A Journal is one log on disk, with every context of a node. A write is admitted in memory at once, and is answered when
// the group that it belongs to is synced; writers that wait together share one fdatasync:
//
//	j, rec, err := dag.Open(dag.OSDisk(dir), dag.Options{Wall: time.Now, Rand: rand.Reader})
//	ctx, err := j.Found(signer, dag.Grant{Keys: []dag.Key{friend}})
//	p, err := j.Write(ctx, signer, dag.Edit{Kind: dag.KindData, Payload: edit})
//	e, err := p.Wait()                          // durable, with its signature or one that follows
//
// Two nodes compare Digest(Tips) and exchange what they lack. Pages may come in any order, twice, torn or forged; what
// is admitted depends on each delta and its past alone:
//
//	have := friend.Have(ctx)                    // travels to this node
//	page, more, err := j.Serve(ctx, have, 1<<20) // travels back
//	got, err := friend.Ingest(ctx, page)        // verified, admitted, synced
//
// A page tells deltas by what changes from one to the next (some 14 bytes a keystroke of 280), and its reader rebuilds and hashes the
// canonical bytes. It carries a signature for every 256 deltas of a chain, or 64 KiB; those between are lost on the way.
// What is admitted of a run while its end is not (its past does not come, or it breaks a rule) is proved by that end, which the log
// and the pages keep: nobody can hold what others wrote on it back.
//
// Nothing leaves a journal before it is synced: Tips, Have, Serve, Get and Each tell of synced deltas alone.
//
// A log can be looked at while nobody has it open: VerifyLog names what is damaged, DumpLog shows its records, RepairLog does what
// can be done without peers:
//
//	in, err := dag.VerifyLog(dag.OSDiskReadOnly(dir), dag.Mark{})
//	for _, d := range in.Damage { … }           // segment, offset, size, reason
//
// MemDisk is the disk of tests: it loses and tears what was not synced, fails, fills up, rots, is cloned and put back.
//
// What is not here yet: removals and the rest of DATA 2 (a grant holds for ever; the roles admin, member and reader are
// kept apart), epochs (a payload is carried as it is, whatever its epoch), checkpoints (nothing is collected). Every start reads
// the whole log, and keeps some 100 bytes a delta in memory. The bytes of a damaged place stay as they are: its delta is received
// again, into a new place, and while a log has damage every start begins new chains.
//
// The package starts no goroutine, reads no clock and no randomness but those it is given, and logs nothing.
package dag
