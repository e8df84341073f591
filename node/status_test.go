package node

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
)

// A store that cannot be read is a problem, not an empty store.
func TestStatusNamesAStoreThatCannotBeRead(t *testing.T) {
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := dag.Open(dag.NewMemDisk(), dag.Options{Index: st, Observer: st, Wall: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	s := newState(Config{})
	s.signer = dag.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)))
	s.journal, s.store, s.kv = j, st, st.KV(j, s.signer, dag.ID{1})
	if got := s.Status(); len(got.Problems) > 0 {
		t.Errorf("%v", got.Problems)
	}
	s.kv = st.KV(j, s.signer, dag.ID{2}) // nobody has counted what it has
	if err := errors.Join(j.Close(), st.Close()); err != nil {
		t.Fatal(err)
	}
	if got := s.Status(); len(got.Problems) != 1 || !strings.HasPrefix(got.Problems[0], "the store cannot be read: ") {
		t.Errorf("%v", got.Problems)
	}
}
