package store

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// weighed counts the bytes of what is applied.
type weighed struct {
	Backend
	bytes int
}

func (b *weighed) Apply(changes []Change) error {
	for _, c := range changes {
		b.bytes += len(c.Key) + len(c.Value)
	}
	return b.Backend.Apply(changes)
}

// DATA 1.7: what a delta names is kept by the missing name, and takes room that is linear in its payload, however long the key
// and however many the names. So does what it takes away.
func TestRule1_7_WhatADeltaWritesIsLinearInItsPayload(t *testing.T) {
	const names = 500
	files, _, err := OpenPebble(vfs.NewMem(), "store")
	if err != nil {
		t.Fatal(err)
	}
	b := &weighed{Backend: files}
	s, err := New(b)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	key, ctx, at := strings.Repeat("k", MaxKey), dag.ID{1}, 0
	put := func(what string, entries ...*dag.Entry) {
		t.Helper()
		batch, mark := batchOf(ctx, entries, at)
		at += len(entries)
		b.bytes = 0
		if err := s.Put(batch, mark); err != nil {
			t.Fatal(err)
		}
		payload := 0
		for _, e := range entries {
			payload += len(e.Delta.Payload)
		}
		if b.bytes > 8*payload {
			t.Errorf("%s: payloads of %d bytes make a batch of %d", what, payload, b.bytes)
		}
	}
	missing, held := map[crdt.Name]bool{}, map[crdt.Name]bool{}
	for i := range names {
		missing[crdt.Name{Delta: fakedID(10_000 + i), Index: uint32(i)}] = true
		held[crdt.Name{Delta: fakedID(100 + i)}] = true
	}
	put("names of what is missing", faked(1, []crdt.Op{crdt.Put{Key: key, Seen: sortedNames(missing)}}))
	put("the same names again", faked(2, []crdt.Op{crdt.Remove{Key: key, Seen: sortedNames(missing)}}))
	if left := strings.Count(dump(t, s, "a"), "\n"); left != names {
		t.Errorf("%d names are awaited, not %d", left, names)
	}
	var beside []*dag.Entry
	for i := range names {
		beside = append(beside, fakedPut(100+i, key, []byte("value")))
	}
	put("writes beside each other", beside...)
	held[crdt.Name{Delta: fakedID(1)}] = true
	put("names of what is held", faked(3, []crdt.Op{crdt.Remove{Key: key, Seen: sortedNames(held)}}))
	if left := dump(t, s, "beu"); left != "" {
		t.Errorf("of what was taken away there is left:\n%s", left)
	}
}
