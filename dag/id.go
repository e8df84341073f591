package dag

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/merograph/merograph/internal/cid"
)

// ID names a delta: the BLAKE3-256 of its canonical encoding. A context is named by the id of its genesis. The zero
// value names nothing and is encoded as an empty byte string.
type ID [32]byte

// String gives the CIDv1 of the id: lower-case base32, codec cbor. The zero id is the empty text.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return cid.Encode(cid.CBOR, id)
}

// ParseID reads what String gave. The empty text is the zero id; a blob's id is refused.
func ParseID(s string) (ID, error) {
	if s == "" {
		return ID{}, nil
	}
	codec, digest, err := cid.Decode(s)
	if err != nil {
		return ID{}, fmt.Errorf("dag: %q is no delta id: %w", s, err)
	}
	if codec != cid.CBOR {
		return ID{}, fmt.Errorf("dag: %q is the id of a blob, not of a delta", s)
	}
	return digest, nil
}

// IsZero tells whether the id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders ids by their bytes: -1, 0 or 1.
func (id ID) Compare(o ID) int { return bytes.Compare(id[:], o[:]) }

// MarshalText is String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(b []byte) error {
	v, err := ParseID(string(b))
	if err == nil {
		*id = v
	}
	return err
}

// Key is the Ed25519 public key of an author: one device.
type Key [32]byte

// String gives the key in URL-safe base64 without padding. A libp2p node shows its peer id instead.
func (k Key) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// IsZero tells whether the key is unset.
func (k Key) IsZero() bool { return k == Key{} }

// Compare orders keys by their bytes: -1, 0 or 1.
func (k Key) Compare(o Key) int { return bytes.Compare(k[:], o[:]) }
