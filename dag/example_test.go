package dag_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/merograph/merograph/dag"
)

// Two nodes share a context: one founds it and writes, the other joins and catches up.
func Example() {
	options := func(seed byte) dag.Options { // a node gives time.Now and crypto/rand
		return dag.Options{
			Wall: func() time.Time { return time.UnixMilli(1_700_000_000_000) },
			Rand: rand.NewChaCha8([32]byte{seed}),
		}
	}
	alice := dag.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)))
	bob := dag.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32)))

	a, _, _ := dag.Open(dag.NewMemDisk(), options(1))
	defer a.Close()
	b, _, _ := dag.Open(dag.NewMemDisk(), options(2))
	defer b.Close()

	ctx, _ := a.Found(alice, dag.Grant{Keys: []dag.Key{bob.Public()}})
	p, _ := a.Write(ctx, alice, dag.Edit{Kind: dag.KindData, Payload: []byte("hello")})
	p.Wait() // durable

	b.Join(ctx)
	page, more, _ := a.Serve(ctx, b.Have(ctx), dag.MaxPage)
	got, _ := b.Ingest(ctx, page)
	fmt.Println("admitted", got.Admitted, "more", more)
	fmt.Println("equal", dag.Digest(a.Tips(ctx)) == dag.Digest(b.Tips(ctx)))
	b.Each(ctx, func(e *dag.Entry) error {
		fmt.Printf("seq %d %q\n", e.Delta.Seq, e.Delta.Payload[:min(5, len(e.Delta.Payload))])
		return nil
	})
	// Output:
	// admitted 2 more false
	// equal true
	// seq 0 "\x82fmem"
	// seq 1 "hello"
}
