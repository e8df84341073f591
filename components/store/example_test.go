package store_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
)

// A store over a log, both in memory, as a program uses it that embeds them.
func Example() {
	s, err := store.OpenMemory()
	if err != nil {
		panic(err)
	}
	defer s.Close()
	journal, _, err := dag.Open(dag.NewMemDisk(), dag.Options{Index: s, Observer: s, Wall: time.Now, Rand: rand.Reader})
	if err != nil {
		panic(err)
	}
	defer journal.Close()
	s.Opened(journal.Contexts(), func(dag.ID) []store.View { return nil }) // nobody else is to be told
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	ctx, err := journal.Found(dag.NewSigner(key), dag.Grant{})
	if err != nil {
		panic(err)
	}
	kv := s.KV(journal, dag.NewSigner(key), ctx)
	for _, value := range []string{"hello", "hello", "good day"} {
		put, err := kv.Put("greeting", []byte(value))
		fmt.Println(put.Status, err)
	}
	for e, err := range kv.List("gre", "") {
		fmt.Printf("%s = %s %v\n", e.Key, e.Value, err)
	}
	// Output:
	// created <nil>
	// unchanged <nil>
	// updated <nil>
	// greeting = good day <nil>
}
