package blob

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/merograph/merograph/internal/cid"
)

func TestParseID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := ID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "id"))
		back, err := ParseID(id.String())
		if err != nil || back != id {
			t.Fatalf("%v is read as %v, %v", id, back, err)
		}
		b, err := json.Marshal(map[ID]ID{id: id})
		if err != nil {
			t.Fatal(err)
		}
		var m map[ID]ID
		if err := json.Unmarshal(b, &m); err != nil || m[id] != id {
			t.Fatalf("%s is read as %v, %v", b, m, err)
		}
	})
	good := ID{1}.String()
	if !strings.HasPrefix(good, "bafkr4i") || len(good) != 59 {
		t.Errorf("the id is %s", good)
	}
	for name, c := range map[string]struct{ text, says string }{
		"empty":      {"", "characters"},
		"a delta":    {cid.Encode(cid.CBOR, [32]byte{1}), "codec"},
		"upper case": {strings.ToUpper(good), "B"},
		"long":       {good + strings.Repeat("a", 1000), "characters"},
		"a path":     {"../" + good[3:], "b"},
	} {
		id, err := ParseID(c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 400 {
			t.Errorf("%s: %v, %v", name, id, err)
		}
		before := ID{9}
		if err := before.UnmarshalText([]byte(c.text)); err == nil || before != (ID{9}) {
			t.Errorf("%s: UnmarshalText gives %v, %v", name, before, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(ID{1}.String())
	f.Add(cid.Encode(cid.CBOR, [32]byte{1}))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseID(s); err == nil && id.String() != s {
			t.Fatalf("%q and %q are one id", s, id)
		}
	})
}
