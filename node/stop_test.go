package node

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// Stopping drains: what was answered is there after the next start, and nobody who writes meanwhile hangs.
func TestStoppingDrains(t *testing.T) {
	home := t.TempDir()
	n := start(t, home, nil)
	s := n.State()
	var writers sync.WaitGroup
	var mu sync.Mutex
	var answered []string
	begun := make(chan struct{}, 16)
	for w := range 16 {
		writers.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprint(w, "/", i)
				if _, err := s.Put(key, []byte("x")); err != nil {
					return
				}
				mu.Lock()
				answered = append(answered, key)
				mu.Unlock()
				if i == 0 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	if err := n.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	again := start(t, home, nil).State()
	for _, key := range answered {
		if !holds(again, key, "x")() {
			t.Errorf("%s was answered, and is lost", key)
		}
	}
	if p := again.Status().Problems; len(p) > 0 {
		t.Errorf("problems after a clean stop: %v", p)
	}
	if _, err := s.Put("late", []byte("x")); err == nil {
		t.Error("a node that has stopped wrote")
	}
}
