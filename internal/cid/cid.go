// Package cid writes and reads the ids that people see: CIDv1 in lower-case base32 without padding, with a BLAKE3
// multihash of 32 bytes. Codec Raw names a blob, codec CBOR names a delta. A text is accepted only when it is exactly
// what Encode gives, so two texts are equal when and only when the ids are.
package cid

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
)

// The codecs of multiformats that this tree uses.
const (
	// Raw is the codec of a blob.
	Raw uint64 = 0x55
	// CBOR is the codec of a delta.
	CBOR uint64 = 0x51
)

// ErrMalformed is what every error of Decode wraps.
var ErrMalformed = errors.New("not a CID of this system")

const (
	version1   = 0x01
	hashBLAKE3 = 0x1e
	digestLen  = 32
	textLen    = 1 + 58 // multibase letter and base32 of 36 bytes: the codecs above take one byte
)

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Encode gives the text of a digest under a codec. It accepts every codec; Decode accepts Raw and CBOR alone.
func Encode(codec uint64, digest [32]byte) string {
	b := make([]byte, 0, 48)
	b = append(b, version1)
	b = binary.AppendUvarint(b, codec)
	b = append(b, hashBLAKE3, digestLen)
	b = append(b, digest[:]...)
	return "b" + alphabet.EncodeToString(b)
}

// Decode reads a text that Encode gave for codec Raw or CBOR. Anything else is refused with a sentence that wraps
// ErrMalformed: another base, version, codec, hash or length, upper case, padding, trailing bits.
func Decode(s string) (codec uint64, digest [32]byte, err error) {
	if len(s) != textLen {
		return 0, digest, fmt.Errorf("%w: it has %d characters, not %d", ErrMalformed, len(s), textLen)
	}
	if s[0] != 'b' {
		return 0, digest, fmt.Errorf("%w: it begins with %q, not with b (lower-case base32)", ErrMalformed, s[0])
	}
	b, err := alphabet.DecodeString(s[1:])
	if err != nil {
		return 0, digest, fmt.Errorf("%w: a character is not lower-case base32", ErrMalformed)
	}
	if len(b) != 4+digestLen {
		return 0, digest, fmt.Errorf("%w: it holds %d bytes, not %d", ErrMalformed, len(b), 4+digestLen)
	}
	codec = uint64(b[1])
	switch {
	case b[0] != version1:
		return 0, digest, fmt.Errorf("%w: its version is %d, not 1", ErrMalformed, b[0])
	case codec != Raw && codec != CBOR:
		return 0, digest, fmt.Errorf("%w: its codec is 0x%x, not raw (0x55) or cbor (0x51)", ErrMalformed, b[1])
	case b[2] != hashBLAKE3:
		return 0, digest, fmt.Errorf("%w: its hash is 0x%x, not BLAKE3 (0x1e)", ErrMalformed, b[2])
	case b[3] != digestLen:
		return 0, digest, fmt.Errorf("%w: its digest has %d bytes, not 32", ErrMalformed, b[3])
	}
	copy(digest[:], b[4:])
	if Encode(codec, digest) != s {
		return 0, [32]byte{}, fmt.Errorf("%w: its last bits are not zero", ErrMalformed)
	}
	return codec, digest, nil
}
