package dag

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// wire is a delta as fxamacker sees it: an array of the fields.
type wire struct {
	_          struct{} `cbor:",toarray"`
	Version    uint64
	Context    []byte
	Author     []byte
	Chain      []byte
	Seq        uint64
	Nonce      []byte
	Prev       []byte
	Parents    [][]byte
	Ms, N      uint64
	Wall       int64
	Credential []byte
	Epoch      uint64
	Kind       uint64
	Payload    []byte
}

func coreEncoding() cbor.EncMode {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	return must(o.EncMode())
}

func idBytes(id ID) []byte {
	if id.IsZero() {
		return []byte{}
	}
	return id[:]
}

func toWire(d *Delta) wire {
	w := wire{
		Version: d.Version, Context: idBytes(d.Context), Author: d.Author[:], Chain: idBytes(d.Chain), Seq: d.Seq,
		Nonce: d.Nonce, Prev: idBytes(d.Prev), Ms: d.Ms, N: d.N, Wall: d.Wall, Credential: idBytes(d.Credential),
		Epoch: d.Epoch, Kind: d.Kind, Payload: d.Payload,
	}
	for _, p := range d.Parents {
		w.Parents = append(w.Parents, p[:])
	}
	return w
}

func drawID(t *rapid.T, name string) (id ID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
	id[0] |= 1
	return id
}

func drawDelta(t *rapid.T) *Delta {
	d := &Delta{
		Version: Version1, Context: drawID(t, "context"), Author: Key(drawID(t, "author")), Credential: drawID(t, "credential"),
		Ms: rapid.Uint64Range(0, MaxMs-1).Draw(t, "ms"), N: rapid.Uint64().Draw(t, "n"), Wall: rapid.Int64().Draw(t, "wall"),
		Epoch: rapid.Uint64().Draw(t, "epoch"), Kind: rapid.Uint64Range(1, 1<<40).Draw(t, "kind"),
		Payload: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload"),
	}
	var parents []ID
	for range rapid.IntRange(0, 5).Draw(t, "parents") {
		parents = append(parents, drawID(t, "parent"))
	}
	d.Parents = sorted(parents)
	if d.Seq = rapid.Uint64Range(0, 3).Draw(t, "seq"); d.Seq == 0 {
		d.Nonce = rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "nonce")
		if len(d.Parents) == 0 {
			d.Parents = []ID{drawID(t, "parent")}
		}
	} else {
		d.Chain, d.Prev = drawID(t, "chain"), drawID(t, "prev")
	}
	return d
}

// TestRule1_2_CanonicalEncoding checks the hand-written codec against fxamacker's core deterministic encoding.
func TestRule1_2_CanonicalEncoding(t *testing.T) {
	enc := coreEncoding()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDelta(t)
		raw := d.Encode()
		want, err := enc.Marshal(toWire(d))
		if err != nil || !bytes.Equal(raw, want) {
			t.Fatalf("Encode = %x\nfxamacker = %x (%v)", raw, want, err)
		}
		back, err := Decode(raw)
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		if again := back.Encode(); !bytes.Equal(again, raw) || back.ID() != HashID(raw) {
			t.Fatalf("a decoded delta is encoded otherwise:\n%x\n%x", raw, again)
		}
	})
}

// TestRule1_2_GoldenVectors holds the bytes and ids of version 1 for ever.
func TestRule1_2_GoldenVectors(t *testing.T) {
	alice := person("alice")
	genesis := forge(Delta{
		Author: alice.Public(), Nonce: bytes.Repeat([]byte{9}, NonceLen), Ms: 1_700_000_000_000, Wall: 1_700_000_000_123,
		Payload: must(Grant{Keys: []Key{person("bob").Public()}, Role: RoleMember}.Encode()),
	})
	second := next(genesis, func(d *Delta) { d.Payload, d.Wall, d.Ms, d.N = []byte("hello"), -1, d.Ms+1000, 0 })
	branch := start(genesis, person("bob").Public(), func(d *Delta) { d.Payload = bytes.Repeat([]byte("x"), 300) })
	merge := next(second, func(d *Delta) { d.Parents, d.Epoch, d.Kind = []ID{branch.ID}, 70000, 24 })
	later := next(second, func(d *Delta) { d.Version, d.Extra = 2, [][]byte{{0x18, 0x18}, {0xa1, 0x61, 'k', 0xf6}} })
	var b strings.Builder
	for _, v := range []struct {
		name string
		e    *Entry
	}{{"genesis", genesis}, {"second", second}, {"branch", branch}, {"merge", merge}, {"later version", later}} {
		if _, err := Decode(v.e.Raw); err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		sig := must(signID(alice, v.e.ID))
		fmt.Fprintf(&b, "%s\n  raw %x\n  id %v\n  signed by alice %x\n", v.name, v.e.Raw, v.e.ID, sig)
	}
	fmt.Fprintf(&b, "digest of no tips %v\n", Digest(nil))
	fmt.Fprintf(&b, "digest of two tips %v\n", Digest([]Tip{
		{Chain: genesis.ID, ID: merge.ID, Seq: 2}, {Chain: branch.ID, ID: branch.ID}}))
	golden(t, "delta.golden", []byte(b.String()))
}

func TestRule1_2_NonCanonicalIsRefused(t *testing.T) {
	g := forge(Delta{Author: person("a").Public(), Nonce: bytes.Repeat([]byte{1}, 16), Ms: 5})
	good := next(g, func(d *Delta) { d.Parents = []ID{{1}, {2}}; d.N = 0; d.Ms = 9 })
	if _, err := Decode(good.Raw); err != nil {
		t.Fatal(err)
	}
	edit := func(f func(*Delta)) []byte { d := *good.Delta; f(&d); return d.Encode() }
	replace := func(old, with string) []byte {
		raw := bytes.Replace(good.Raw, must(hex.DecodeString(old)), must(hex.DecodeString(with)), 1)
		if bytes.Equal(raw, good.Raw) {
			t.Fatalf("%s is not in the delta", old)
		}
		return raw
	}
	long := make([]byte, MaxEncoded+1)
	cases := []struct {
		name string
		raw  []byte
		want RefuseReason
	}{
		{"empty", nil, Truncated},
		{"array of 14", append([]byte{0x8e}, good.Raw[1:]...), Malformed},
		{"indefinite array", append([]byte{0x9f}, good.Raw[1:]...), NotCanonical},
		{"long head of version", append([]byte{0x8f, 0x18, 0x01}, good.Raw[2:]...), NotCanonical},
		{"bytes after", append(bytes.Clone(good.Raw), 0), Malformed},
		{"text payload", replace("46666f72676564", "66666f72676564"), Malformed},
		{"long payload head", replace("46666f72676564", "5806666f72676564"), NotCanonical},
		{"huge payload head", replace("46666f72676564", "5bffffffffffffffff666f72676564"), TooLarge},
		{"announced payload missing", replace("46666f72676564", "5a0007ffff666f72676564"), Truncated},
		{"zero id spelled out", edit(func(d *Delta) { d.Parents = []ID{{}, {1}} }), NotCanonical},
		{"parents descending", edit(func(d *Delta) { d.Parents = []ID{{2}, {1}} }), NotCanonical},
		{"parent twice", edit(func(d *Delta) { d.Parents = []ID{{2}, {2}} }), NotCanonical},
		{"prev as parent", edit(func(d *Delta) { d.Parents = []ID{d.Prev} }), Malformed},
		{"65 parents", edit(func(d *Delta) {
			d.Parents = nil
			for i := range 65 {
				d.Parents = append(d.Parents, ID{byte(i + 1)})
			}
		}), TooLarge},
		{"year 9999", edit(func(d *Delta) { d.Ms = MaxMs }), Malformed},
		{"version 0", edit(func(d *Delta) { d.Version = 0 }), Malformed},
		{"version 1 with an appended field", edit(func(d *Delta) { d.Extra = [][]byte{{0}} }), Malformed},
		{"later version, float appended", edit(func(d *Delta) { d.Version = 2; d.Extra = [][]byte{{0xf9, 0, 0}} }), NotCanonical},
		{"later version, map out of order", edit(func(d *Delta) {
			d.Version, d.Extra = 2, [][]byte{{0xa2, 2, 0, 1, 0}}
		}), NotCanonical},
		{"later version, bad text", edit(func(d *Delta) { d.Version, d.Extra = 2, [][]byte{{0x61, 0xff}} }), NotCanonical},
		{"later version, deep", edit(func(d *Delta) {
			d.Version, d.Extra = 2, [][]byte{append(bytes.Repeat([]byte{0x81}, 40), 0)}
		}), TooLarge},
		{"nonce in the middle", edit(func(d *Delta) { d.Nonce = bytes.Repeat([]byte{1}, 16) }), Malformed},
		{"short nonce", edit(func(d *Delta) { d.Seq, d.Chain, d.Prev, d.Nonce = 0, ID{}, ID{}, []byte{1} }), Malformed},
		{"first with chain", edit(func(d *Delta) { d.Seq, d.Prev, d.Nonce = 0, ID{}, make([]byte, 16) }), Malformed},
		{"later without prev", edit(func(d *Delta) { d.Prev = ID{} }), Malformed},
		{"first without parents", edit(func(d *Delta) {
			d.Seq, d.Chain, d.Prev, d.Nonce, d.Parents = 0, ID{}, ID{}, make([]byte, 16), nil
		}), Malformed},
		{"no credential", edit(func(d *Delta) { d.Credential = ID{} }), Malformed},
		{"no context", edit(func(d *Delta) { d.Context = ID{} }), Malformed},
		{"genesis in the middle", edit(func(d *Delta) { d.Kind = KindGenesis }), Malformed},
		{"payload too large", edit(func(d *Delta) { d.Payload = make([]byte, MaxPayload+1) }), TooLarge},
		{"too long", long, TooLarge},
	}
	for _, c := range cases {
		_, err := Decode(c.raw)
		var f *FormatError
		if !errors.As(err, &f) || f.Reason != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	for i := range good.Raw {
		if _, err := Decode(good.Raw[:i]); err == nil {
			t.Errorf("cut at byte %d it is accepted", i)
		}
	}
}

// A greatest delta fits: payload and parents at their bounds.
func TestRule1_2_GreatestDelta(t *testing.T) {
	g := forge(Delta{Author: person("a").Public(), Nonce: bytes.Repeat([]byte{1}, 16), Ms: 5})
	e := next(g, func(d *Delta) {
		d.Payload = make([]byte, MaxPayload)
		for i := range MaxParents {
			d.Parents = append(d.Parents, ID{byte(i + 1)})
		}
	})
	if _, err := Decode(e.Raw); err != nil {
		t.Fatal(err)
	}
}

func TestIDText(t *testing.T) {
	id := HashID([]byte("x"))
	b := must(id.MarshalText())
	var back ID
	if err := back.UnmarshalText(b); err != nil || back != id {
		t.Fatalf("%s: %v", b, err)
	}
	if err := back.UnmarshalText([]byte("bafkr4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi")); err == nil {
		t.Error("a blob's id is taken for a delta's")
	}
	if z := must(ParseID("")); !z.IsZero() || z.String() != "" {
		t.Error("the empty text is the zero id")
	}
}

func TestGrantPayload(t *testing.T) {
	a, b := person("a").Public(), person("b").Public()
	raw := must(Grant{Keys: []Key{b, a, b}}.Encode())
	g, err := DecodeGrant(raw)
	if err != nil || len(g.Keys) != 2 || g.Role != RoleMember {
		t.Fatalf("%+v, %v", g, err)
	}
	if again := must(g.Encode()); !bytes.Equal(again, raw) {
		t.Errorf("%x and %x", raw, again)
	}
	if _, err := (Grant{Role: "king"}).Encode(); err == nil {
		t.Error("an unknown role is encoded")
	}
	if _, err := (Grant{Keys: make([]Key, 1)}).Encode(); err != nil {
		t.Error(err)
	}
	for i := range raw {
		if _, err := DecodeGrant(raw[:i]); err == nil {
			t.Errorf("cut at %d it is accepted", i)
		}
	}
}

func FuzzDecodeDelta(f *testing.F) {
	g := forge(Delta{Author: person("a").Public(), Nonce: bytes.Repeat([]byte{1}, 16), Ms: 5})
	f.Add(g.Raw)
	f.Add(next(g, nil).Raw)
	f.Add(next(g, func(d *Delta) { d.Version, d.Extra = 3, [][]byte{{0xa1, 1, 0x82, 2, 3}} }).Raw)
	f.Add(start(g, g.Delta.Author, nil).Raw[:100])
	f.Fuzz(func(t *testing.T, raw []byte) {
		var quick, slow Delta
		fits, err := quick.quick(raw), slow.slow(raw)
		if want := err == nil && slow.Version == Version1 && slow.Wall >= 0; fits != want || fits && !reflect.DeepEqual(&quick, &slow) {
			t.Fatalf("%x: quick gives %v %+v, slow %v %+v", raw, fits, quick, err, slow)
		}
		d, err := Decode(raw)
		if err != nil {
			return
		}
		if again := d.Encode(); !bytes.Equal(again, raw) {
			t.Fatalf("accepted %x, written as %x", raw, again)
		}
	})
}
