package cid

import (
	"errors"
	"strings"
	"testing"

	"lukechampine.com/blake3"
)

// The vectors were made once and are compared for ever; the layout was checked by hand against the multiformats tables.
var golden = []struct {
	codec uint64
	data  string
	text  string
}{
	{Raw, "", "bafkr4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi"},
	{CBOR, "", "bafir4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi"},
	{Raw, "merograph", "bafkr4icsdgl52pn2g6bcjlb2uwdbkso6uab7uvcrug7sckoe2gg7z3rdti"},
}

func TestGoldenVectors(t *testing.T) {
	for _, g := range golden {
		d := blake3.Sum256([]byte(g.data))
		if got := Encode(g.codec, d); got != g.text {
			t.Errorf("Encode(0x%x, BLAKE3(%q)) = %s, want %s", g.codec, g.data, got, g.text)
		}
		codec, back, err := Decode(g.text)
		if err != nil || codec != g.codec || back != d {
			t.Errorf("Decode(%s) = 0x%x, %x, %v", g.text, codec, back, err)
		}
	}
}

func TestRefusesWhatIsNotCanonical(t *testing.T) {
	good := Encode(Raw, blake3.Sum256([]byte("x")))
	last := good[len(good)-1]
	other := byte('b')
	if last == other {
		other = 'c'
	}
	cases := map[string]string{
		"empty":         "",
		"short":         good[:len(good)-1],
		"long":          good + "a",
		"upper case":    strings.ToUpper(good),
		"other base":    "z" + good[1:],
		"bad letter":    good[:10] + "1" + good[11:],
		"padding":       good[:len(good)-1] + "=",
		"trailing bits": good[:len(good)-1] + string(other),
		"new line":      good[:20] + "\n" + good[21:],
		"other codec":   Encode(0x70, [32]byte{}),
		"long codec":    Encode(0x1000, [32]byte{}),
	}
	for name, s := range cases {
		if _, _, err := Decode(s); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Decode(%q) = %v, want ErrMalformed", name, s, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(Raw, [32]byte{}))
	f.Add(Encode(CBOR, blake3.Sum256([]byte("seed"))))
	f.Add("bafkr4i")
	f.Fuzz(func(t *testing.T, s string) {
		codec, digest, err := Decode(s)
		if err != nil {
			return
		}
		if back := Encode(codec, digest); back != s {
			t.Fatalf("Decode accepted %q, which Encode writes %q", s, back)
		}
	})
}
