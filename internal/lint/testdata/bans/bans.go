// Package bans breaks every rule that holds for code without a host. Each
// line names what must be found on it; a line without a note must stay quiet.
package bans

import (
	crand "crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	randv2 "math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"sync"
	"time"
)

type table map[string]int

var pool sync.Pool // want: pool

var clock = time.Now // want: time

func concurrency(in chan int) {
	go concurrency(in) // want: go
	select {           // want: select
	case <-in:
	default:
	}
}

func times(start time.Time) time.Duration {
	time.Sleep(time.Second)                // want: time
	<-time.After(time.Second)              // want: time
	_ = time.Tick(time.Second)             // want: time
	_ = time.NewTimer(time.Second)         // want: time
	_ = time.NewTicker(time.Second)        // want: time
	time.AfterFunc(time.Second, func() {}) // want: time
	_ = time.Until(start)                  // want: time
	_ = start.After(start.Add(time.Second))
	return time.Since(start) // want: time
}

func randomness() int {
	own := rand.New(rand.NewSource(1))
	own2 := randv2.New(randv2.NewPCG(1, 2))
	_, _ = crand.Read(nil) // want: entropy
	_ = crand.Reader       // want: entropy
	//lint:entropy the key is made once, outside of any run
	_ = crand.Reader
	return own.Intn(3) + own2.IntN(3) + rand.Intn(3) + randv2.N(3) // want: rand rand
}

func sorts(s []int) {
	less := func(i, j int) bool { return s[i] < s[j] }
	sort.Slice(s, less)                                     // want: sort
	sort.Sort(sort.IntSlice(s))                             // want: sort
	slices.SortFunc(s, func(a, b int) int { return a - b }) // want: sort
	sort.Slice(s, less)                                     //lint:total-key the elements are their own key
	sort.SliceStable(s, less)
	slices.Sort(s)
	slices.SortStableFunc(s, func(a, b int) int { return a - b })
}

func walks[M ~map[string]int](t table, generic M, shared *sync.Map) (sum int) {
	for range t { // want: map
		sum++
	}
	for k := range generic { // want: map
		sum += len(k)
	}
	for _, n := range t { //lint:unordered a sum does not show the order
		sum += n
	}
	//lint:unordered a sum does not show the order
	for _, n := range t {
		sum += n
	}
	//lint:unordered // want: comment
	for _, n := range t { // want: map
		sum += n
	}
	for k := range maps.Keys(t) { // want: map
		sum += len(k)
	}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		sum += t[k]
	}
	for _, n := range slices.Collect(maps.Values(t)) { // want: map
		sum += n
	}
	shared.Range(func(any, any) bool { return true }) // want: map
	return sum + len(reflect.ValueOf(t).MapKeys())    // want: map
}

func prints(t *table) error {
	fmt.Printf("%d %p\n", 1, t) // want: pointer
	fmt.Printf("100%%p %v\n", t)
	return errors.Join(fmt.Errorf("at %-8p", t)) // want: pointer
}

func floats(x, y, z float64, i int) float64 {
	z += x * y      // want: float
	z = z - (x * y) // want: float
	z += float64(x*y) + 2*3.5
	i += i * i
	return x*y + float64(i) // want: float
}
