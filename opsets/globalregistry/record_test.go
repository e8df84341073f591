package globalregistry

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/merograph/merograph/graph"
)

// keys makes Records of real keys: a peer's name is its public key in hex.
func keys(seed byte) Keys {
	private := ed25519.NewKeyFromSeed(slices.Repeat([]byte{seed}, ed25519.SeedSize))
	return Keys{Self: graph.Peer(hex.EncodeToString(private.Public().(ed25519.PublicKey))), Private: private, KeyOf: func(p graph.Peer) (ed25519.PublicKey, error) {
		b, err := hex.DecodeString(string(p))
		if err == nil && len(b) != ed25519.PublicKeySize {
			err = errors.New("not a key")
		}
		return b, err
	}}
}

func TestRecords(t *testing.T) {
	a, b := keys(1), keys(2)
	r, err := a.Sign([]string{"/x", "/yz"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	if err := believe(b, a.Self, r); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(r.Signature[:8]); got != "466bc358267bc581" {
		t.Errorf("what is signed has changed: the signature begins %s", got)
	}
	moved := func(change func(r *Record)) Record {
		o := Record{slices.Clone(r.Addresses), r.Seq, slices.Clone(r.Signature)}
		change(&o)
		return o
	}
	for name, o := range map[string]Record{
		"another number":   moved(func(r *Record) { r.Seq++ }),
		"another address":  moved(func(r *Record) { r.Addresses[0] = "/z" }),
		"one less":         moved(func(r *Record) { r.Addresses = r.Addresses[:1] }),
		"cut elsewhere":    moved(func(r *Record) { r.Addresses = []string{"/x/", "yz"} }),
		"another order":    moved(func(r *Record) { slices.Reverse(r.Addresses) }),
		"a flipped bit":    moved(func(r *Record) { r.Signature[63] ^= 1 }),
		"a cut signature":  moved(func(r *Record) { r.Signature = r.Signature[:63] }),
		"no signature":     moved(func(r *Record) { r.Signature = nil }),
		"a long signature": moved(func(r *Record) { r.Signature = make([]byte, maxSignature+1) }),
		"an empty address": moved(func(r *Record) { r.Addresses[0] = "" }),
		"too many":         moved(func(r *Record) { r.Addresses = many(maxAddresses+1, 1) }),
	} {
		if believe(b, a.Self, o) == nil {
			t.Errorf("%s is believed", name)
		}
	}
	for _, p := range []graph.Peer{b.Self, "", "zz", graph.Peer(strings.Repeat("0", 200))} {
		if believe(b, p, r) == nil {
			t.Errorf("it is believed of %q", p)
		}
	}
}

// Whatever the bytes are, only what the peer has signed is believed, and nothing panics.
func FuzzRecord(f *testing.F) {
	k := keys(1)
	r, _ := k.Sign([]string{"/ip4/8.8.8.8/tcp/1", "/ip6/2001:db8::1/udp/1"}, 7)
	f.Add(string(k.Self), r.Addresses[0], r.Addresses[1], r.Seq, r.Signature)
	f.Add("", "", "/ip6/fe80::1%x", uint64(0), []byte(nil))
	f.Fuzz(func(t *testing.T, peer, one, two string, seq uint64, signature []byte) {
		got := Record{[]string{one, two}, seq, signature}
		if err := believe(k, graph.Peer(peer), got); err == nil && !(peer == string(k.Self) && got.equal(r)) {
			t.Errorf("%q is believed to be at %+v", peer, got)
		}
		if prefix := (Quota{}).networkOf(got.Addresses); prefix != elsewhere && !strings.Contains(prefix, "/") {
			t.Errorf("%q is in %q", got.Addresses, prefix)
		}
		if got.check() == nil && len(SignedMessage(graph.Peer(peer), got.Addresses, seq)) != 19+4+len(peer)+12+8+len(one)+len(two) {
			t.Error("the message has another length")
		}
	})
}

func FuzzCookie(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte{0})
	f.Add(encodeCookie("12D3KooW"))
	f.Add(make([]byte, 300))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodeCookie(b)
		switch {
		case err != nil && graph.ReasonOf(err) != graph.Malformed:
			t.Errorf("%v: %v", b, err)
		case err == nil && len(b) > 0 && !slices.Equal(encodeCookie(p), b):
			t.Errorf("%v and %v are one cookie", b, encodeCookie(p))
		case err == nil && len(p) > maxPeer:
			t.Errorf("a peer of %d bytes", len(p))
		}
	})
}
