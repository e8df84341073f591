package blob

import (
	"errors"
	"fmt"

	"github.com/merograph/merograph/internal/cid"
)

// GroupSize is the unit of verification in bytes: each group of this size, and the shorter last one, has a hash in the
// tree.
const GroupSize = 16 << 10

// MaxSlice is the greatest content of one slice in bytes. With its proof, and groups that it cuts, an encoded slice takes
// less than 300 KiB.
const MaxSlice = 256 << 10

var (
	// ErrNotFound says that the store does not hold the blob.
	ErrNotFound = errors.New("blob not found")
	// ErrCorrupt says that received bytes are not part of the blob they were sent for. The fault lies with the sender.
	ErrCorrupt = errors.New("does not match the blob's id")
	// ErrDamaged says that bytes on this node's own disk changed since they were stored.
	ErrDamaged = errors.New("stored bytes are damaged")
	// ErrRange says that a range lies outside the blob or is greater than MaxSlice.
	ErrRange = errors.New("range not allowed")
	// ErrClosed says that a Receiver was closed or aborted, or what it received was given up.
	ErrClosed = errors.New("closed")
)

// ID is the BLAKE3 hash of a blob's bytes. Its text is a CIDv1 in base32 with codec raw.
type ID [32]byte

// String is the text of the id, 59 characters that begin with bafkr4i.
func (id ID) String() string { return cid.Encode(cid.Raw, id) }

// ParseID reads the text that String gives, and nothing else. The error says what is wrong with the text.
func ParseID(s string) (ID, error) {
	codec, digest, err := cid.Decode(s)
	if err != nil {
		return ID{}, fmt.Errorf("blob: id %.80q: %w", s, err)
	}
	if codec != cid.Raw {
		return ID{}, fmt.Errorf("blob: id %.80q: its codec is 0x%x, a blob's is 0x%x; it names something else", s, codec, cid.Raw)
	}
	return digest, nil
}

// MarshalText is String, for encoders.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID, for decoders.
func (id *ID) UnmarshalText(b []byte) error {
	parsed, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// Info is what List tells of a blob.
type Info struct {
	ID   ID
	Size int64 // in bytes
}
