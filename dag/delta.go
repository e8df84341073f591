package dag

import (
	"lukechampine.com/blake3"
	"lukechampine.com/blake3/guts"
)

// Version1 is the version of the deltas that this package writes.
const Version1 uint64 = 1

// The kinds of delta. An unknown kind is stored and relayed, and has no effect: Delta.NeedsUpgrade tells.
const (
	// KindGenesis begins a context and is its name; its payload is a Grant, and its author is the founder.
	KindGenesis uint64 = 0
	// KindGrant grants keys; its payload is a Grant.
	KindGrant uint64 = 1
	// KindData carries an edit; its payload is the caller's.
	KindData uint64 = 2
)

// The bounds of one delta (DATA 1.2, 1.8).
const (
	// MaxPayload is the greatest payload, in bytes: content of 512 KiB, and 72 KiB for the key that it stands under and
	// the names of what it replaces. What is larger is a blob.
	MaxPayload = 584 << 10
	// MaxParents is the greatest number of parents.
	MaxParents = 64
	// NonceLen is the length of the nonce that the first delta of a chain holds, in bytes.
	NonceLen = 16
	// MaxMs bounds the clock: the first millisecond of the year 9999, since 1970 in UTC. Ms is less than it.
	MaxMs uint64 = 253370764800000
	// MaxEncoded is the greatest canonical encoding, in bytes: a full payload, full parents, and what a later version
	// may append.
	MaxEncoded = MaxPayload + 8<<10
)

// Delta is one signed step of one author, with its place in the causal order. The fields stand in the order of their
// encoding. A Delta that was admitted or decoded is immutable: its slices must not be written to.
type Delta struct {
	// Version is the version of the encoding; a later version only appends fields, kept in Extra.
	Version uint64
	// Context is the id of the genesis, zero in the genesis itself.
	Context ID
	// Author is the device that made and signed it.
	Author Key
	// Chain is the id of the first delta of its chain, zero in that first delta.
	Chain ID
	// Seq counts from 0 in its chain.
	Seq uint64
	// Nonce is 16 random bytes in the first delta of a chain, empty elsewhere.
	Nonce []byte
	// Prev is the delta before it in its chain, zero in the first.
	Prev ID
	// Parents are the other deltas that it was made on, ascending, without Prev; at most MaxParents.
	Parents []ID
	// Ms and N are the clock: Ms follows the wall clock in milliseconds since 1970, N counts inside a millisecond. It
	// orders and dates nothing.
	Ms, N uint64
	// Wall is the author's wall time, in milliseconds since 1970. It is shown, never compared.
	Wall int64
	// Credential is the genesis or the grant delta that grants the author, zero in the genesis.
	Credential ID
	// Epoch names the key that sealed the payload; 0 is unsealed.
	Epoch uint64
	// Kind tells what the payload is.
	Kind uint64
	// Payload is at most MaxPayload bytes.
	Payload []byte
	// Extra holds the fields that a later version appended, each one canonical CBOR item; empty in version 1.
	Extra [][]byte
}

// ID gives the name of the delta: it encodes and hashes, so keep it when you have it.
func (d *Delta) ID() ID { return HashID(d.Encode()) }

// HashID gives the id of the delta whose canonical encoding is raw.
func HashID(raw []byte) ID {
	const chunk = guts.ChunkSize
	if len(raw) <= chunk || len(raw) > 2*chunk {
		return blake3.Sum256(raw)
	}
	// A tree of two chunks: what Sum256 does, without a hasher of 3 KB on the heap.
	left := guts.ChainingValue(guts.CompressChunk(raw[:chunk], &guts.IV, 0, 0))
	right := guts.ChainingValue(guts.CompressChunk(raw[chunk:], &guts.IV, 1, 0))
	words := guts.CompressNode(guts.ParentNode(left, right, &guts.IV, guts.FlagRoot))
	sum := guts.WordsToBytes(words)
	return ID(sum[:])
}

// NeedsUpgrade tells that this package knows the delta's version or kind too little to fold it. It is stored and relayed.
func (d *Delta) NeedsUpgrade() bool { return d.Version != Version1 || d.Kind > KindData }

// ContextOf gives the context of a delta with this id: its own id for a genesis.
func (d *Delta) ContextOf(id ID) ID {
	if d.Context.IsZero() {
		return id
	}
	return d.Context
}

// ChainOf gives the chain of a delta with this id: its own id for the first of a chain.
func (d *Delta) ChainOf(id ID) ID {
	if d.Chain.IsZero() {
		return id
	}
	return d.Chain
}

// Entry is a delta as a journal holds it.
type Entry struct {
	// ID is the delta's name.
	ID ID
	// Delta is the decoded form.
	Delta *Delta
	// Raw is the canonical encoding, which ID is the hash of.
	Raw []byte
	// Sig is the author's signature, 64 bytes, or nil when a later delta of its chain is the witness (DATA 1.4). On an
	// entry of one's own write it is set when its group commits: read it in Observer.Synced or after Pending.Wait, not
	// before.
	Sig []byte
}

// NewEntry decodes raw and names it. It keeps raw. Errors are those of Decode.
func NewEntry(raw, sig []byte) (*Entry, error) {
	e, err := decodeEntry(raw, sig)
	if err != nil {
		return nil, err
	}
	e.ID = HashID(raw)
	return e, nil
}

// decodeEntry is NewEntry without the name. Entry and delta are one allocation.
func decodeEntry(raw, sig []byte) (*Entry, error) {
	both := new(struct {
		e Entry
		d Delta
	})
	if err := both.d.decode(raw); err != nil {
		return nil, err
	}
	both.e = Entry{Delta: &both.d, Raw: raw, Sig: sig}
	return &both.e, nil
}
