package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/merograph/merograph/dag"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func watch(t *testing.T, k *KV, prefix string, present bool) *Watcher {
	t.Helper()
	w, err := k.Watch(prefix, present)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWatchTellsEachChange(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	put := func(key, value string) {
		t.Helper()
		if _, err := h.Put(key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("a/1", "was")
	w := watch(t, h.KV, "a/", true)
	defer w.Close()
	put("a/2", "new")
	put("a/2", "new") // unchanged: nothing to tell
	put("b", "elsewhere")
	put("a/1", "is")
	if _, err := h.Remove("a/2"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range w.Present() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("present %s=%s", e.Key, e.Value))
	}
	events, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		got = append(got, fmt.Sprintf("%s %s=%s", e.Status, e.Key, e.Value))
		if now, err := h.Get(e.Key); err == nil && e.Key == "a/1" && (now.Version != e.Version || !now.Time.Equal(e.Time)) {
			t.Errorf("the event is %+v, the entry %+v", e, now)
		}
	}
	if want := "present a/1=was; created a/2=new; updated a/1=is; deleted a/2="; strings.Join(got, "; ") != want {
		t.Errorf("%s, want %s", strings.Join(got, "; "), want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if events, err := w.Next(ctx); len(events) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("when nothing changed: %v, %v", events, err)
	}
}

// What a watcher is given, the present and then the changes, is what the store holds, whenever the watch begins.
func TestWatchLosesAndRepeatsNothing(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	var writers, watchers sync.WaitGroup
	for n := range 4 {
		writers.Go(func() { fillSome(t, h.KV, n) })
	}
	for range 4 {
		watchers.Go(func() {
			for range 5 {
				w, err := h.Watch("", true)
				if err != nil {
					t.Error(err)
					return
				}
				seen := map[string]dag.ID{}
				for e, err := range w.Present() {
					if err != nil {
						t.Error(err)
					}
					seen[e.Key] = e.Version
				}
				for seen["end"].IsZero() {
					events, err := w.Next(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					for _, e := range events {
						was, had := seen[e.Key]
						if had != (e.Status != Created) || was == e.Version {
							t.Errorf("%s %q at %s after %s", e.Status, e.Key, e.Version, was)
						}
						if seen[e.Key] = e.Version; e.Status == Deleted {
							delete(seen, e.Key)
						}
					}
				}
				holds := map[string]dag.ID{}
				for e := range h.List("", "") {
					holds[e.Key] = e.Version
				}
				if !maps.Equal(seen, holds) {
					t.Errorf("the watcher has %d keys, the store %d", len(seen), len(holds))
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if _, err := h.Put("end", nil); err != nil {
		t.Fatal(err)
	}
	watchers.Wait()
}

func fillSome(t *testing.T, k *KV, n int) {
	for i := range 150 {
		key := fmt.Sprint(n, i%7)
		if i%3 == 2 {
			_, _ = k.Remove(key) // it may not be there
		} else if _, err := k.Put(key, fmt.Appendf(nil, "%d", i)); err != nil {
			t.Error(err)
		}
	}
}

// A watcher that takes nothing costs a bounded queue and no more: it is told that it fell behind, writes go on.
func TestWatchThatFallsBehindIsTold(t *testing.T) {
	for what, put := range map[string]struct {
		n, size int
	}{"changes": {MaxQueue + 1, 0}, "bytes": {MaxQueueBytes/MaxValue + 1, MaxValue}} {
		t.Run(what, func(t *testing.T) {
			s := memory(t)
			ctx := dag.ID{1}
			k := s.KV(nil, nil, ctx)
			w, other := watch(t, k, "", false), watch(t, k, "no such", false)
			var entries []*dag.Entry
			for i := range put.n {
				entries = append(entries, fakedPut(i, fmt.Sprint(i), make([]byte, put.size)))
			}
			batch, mark := batchOf(ctx, entries, 0)
			if err := s.Put(batch, mark); err != nil {
				t.Fatal(err)
			}
			if events, err := w.Next(t.Context()); len(events) != 0 || !errors.Is(err, ErrBehind) || !strings.Contains(err.Error(), "watch again") {
				t.Errorf("%d events, %v", len(events), err)
			}
			if size(k) != put.n {
				t.Errorf("%d entries", size(k))
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			done := make(chan error)
			go func() {
				_, err := other.Next(t.Context())
				done <- err
			}()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; !errors.Is(err, ErrClosed) {
				t.Errorf("when the store closes: %v", err)
			}
			if _, err := k.Watch("", false); !errors.Is(err, ErrClosed) {
				t.Errorf("a watch of a closed store: %v", err)
			}
		})
	}
}
