package blobs

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/opsets/blobexchange"
)

// fetch moves a blob from one node's blobs to another's as the protocol does, with every slice through bend.
func fetch(to, from *Blobs, id blob.ID, bend func([]byte) []byte) error {
	ctx := context.Background()
	size, _ := from.Size(id)
	o := blobexchange.Offer{ID: id, Size: size}
	p, err := to.Open(ctx, o)
	for err == nil && !p.Done {
		var s blobexchange.Slice
		if s, err = from.Slice(ctx, blobexchange.Span{ID: id, Offset: p.Offset, Length: p.Length}); err != nil {
			return err
		}
		p, err = to.Keep(ctx, blobexchange.Piece{Offer: o, Offset: p.Offset, Data: bend(s.Data)})
	}
	return err
}

func TestFetchWakesWhoWaits(t *testing.T) {
	a, b := New(blob.NewMem()), New(blob.NewMem())
	content := bytes.Repeat([]byte("merograph"), 100_000)
	id, _, err := a.Store().Add(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- b.Wait(context.Background(), id) }()
	if err := fetch(b, a, id, func(s []byte) []byte { return s }); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if n, ok := b.Size(id); !ok || n != int64(len(content)) {
		t.Fatalf("holds %d bytes, %v", n, ok)
	}
}

func TestWrongBytesAreRefused(t *testing.T) {
	a, b := New(blob.NewMem()), New(blob.NewMem())
	id, _, err := a.Store().Add(bytes.NewReader(bytes.Repeat([]byte{7}, 300_000)))
	if err != nil {
		t.Fatal(err)
	}
	bend := func(s []byte) []byte {
		s = bytes.Clone(s)
		s[len(s)-1] ^= 1
		return s
	}
	if err := fetch(b, a, id, bend); !errors.Is(err, blob.ErrCorrupt) {
		t.Fatalf("wrong bytes: %v", err)
	}
	if err := fetch(b, a, id, func(s []byte) []byte { return s }); err != nil {
		t.Fatalf("the right bytes after wrong ones: %v", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	b := New(blob.NewMem())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Wait(ctx, blob.ID{1}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(b.waiting) != 0 {
		t.Fatal("a waiter was left behind")
	}
}

// A source that states a wrong size cannot keep a blob from coming from another.
func TestAnotherSizeBeginsAnew(t *testing.T) {
	ctx := context.Background()
	a, b := New(blob.NewMem()), New(blob.NewMem())
	id, _, err := a.Store().Add(bytes.NewReader(bytes.Repeat([]byte{7}, 100_000)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(ctx, blobexchange.Offer{ID: id, Size: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	if err := fetch(b, a, id, func(s []byte) []byte { return s }); err != nil {
		t.Fatal(err)
	}
}
