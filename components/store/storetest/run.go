package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/merograph/merograph/components/store"
)

// A Place is where one backend keeps its files.
type Place interface {
	// Open opens the backend; a new place is empty.
	Open() (store.Backend, error)
	// Crash cuts the power: of what was not synced, what the seed says is lost. The backend that was open is dead, and
	// its methods may be running.
	Crash(seed uint64)
}

// Run runs all that a backend must pass.
func Run(t *testing.T, place func(t *testing.T) Place) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, p Place)
	}{
		{"KeysAreBytes", keysAreBytes},
		{"ScanIsInOrder", scanIsInOrder},
		{"CursorStandsStill", cursorStandsStill},
		{"ChangesInOrder", changesInOrder},
		{"ValuesAreTheCallers", valuesAreTheCallers},
		{"ReadersSeeWholeBatches", readersSeeWholeBatches},
		{"CloseIsDurable", closeIsDurable},
		{"ClosedIsAnError", closedIsAnError},
		{"CrashLeavesWholeBatches", crashLeavesWholeBatches},
		{"CrashLeavesTheFoldUpToTheMark", crashLeavesTheFold},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, place(t)) })
	}
}

// Keys are odd keys, in the order of their bytes: a backend that takes them for paths or for text confuses some.
func Keys() []string {
	keys := []string{"a", "a/b", "a//b", "a/b/", "/a/b", "x/../a/b", "a\x00", "a\x00b", "\x00", "\xff", "\xff\xff", "a\xff", "ä", "a\u0308",
		"A", "%2f", "con", strings.Repeat("k", store.MaxKey), strings.Repeat("k", store.MaxKey-1) + "l"}
	slices.Sort(keys)
	return keys
}

func open(t *testing.T, p Place) store.Backend {
	t.Helper()
	b, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func apply(t *testing.T, b store.Backend, changes ...store.Change) {
	t.Helper()
	if err := b.Apply(changes); err != nil {
		t.Fatal(err)
	}
}

func set(key, value string) store.Change {
	return store.Change{Key: []byte(key), Value: append([]byte{}, value...)}
}

// scan gives the keys and values of a range, joined by "=".
func scan(t *testing.T, b store.Backend, from, to []byte) (out []string) {
	t.Helper()
	c, err := b.Scan(from, to)
	if err != nil {
		t.Fatal(err)
	}
	for c.Next() {
		out = append(out, string(c.Key())+"="+string(c.Value()))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

func holds(t *testing.T, b store.Backend, key, want string) {
	t.Helper()
	if v, ok, err := b.Get([]byte(key)); err != nil || !ok || string(v) != want {
		t.Errorf("%.40q (%d bytes): %.40q, %v, %v; want %.40q", key, len(key), v, ok, err, want)
	}
}

func lacks(t *testing.T, b store.Backend, key string) {
	t.Helper()
	if v, ok, err := b.Get([]byte(key)); err != nil || ok || v != nil {
		t.Errorf("%.40q: %.40q, %v, %v; want nothing", key, v, ok, err)
	}
}

func keysAreBytes(t *testing.T, p Place) {
	b := open(t, p)
	defer b.Close()
	for i, k := range Keys() {
		lacks(t, b, k)
		apply(t, b, set(k, fmt.Sprint(i)))
	}
	for i, k := range Keys() {
		holds(t, b, k, fmt.Sprint(i))
	}
	for i, k := range Keys() {
		apply(t, b, store.Change{Key: []byte(k)})
		lacks(t, b, k)
		if i+1 < len(Keys()) {
			holds(t, b, Keys()[i+1], fmt.Sprint(i+1))
		}
	}
}

func scanIsInOrder(t *testing.T, p Place) {
	b := open(t, p)
	defer b.Close()
	keys := Keys()
	for _, k := range slices.Backward(keys) {
		apply(t, b, set(k, ""))
	}
	for from := range keys {
		for _, to := range []int{from, from + 1, len(keys) - 1, len(keys)} {
			if to < from {
				continue
			}
			var end []byte
			if to < len(keys) {
				end = []byte(keys[to])
			}
			var want []string
			for _, k := range keys[from:to] {
				want = append(want, k+"=")
			}
			if got := scan(t, b, []byte(keys[from]), end); !slices.Equal(got, want) {
				t.Fatalf("from %.20q to %.20q: %.40q, want %.40q", keys[from], end, got, want)
			}
		}
	}
}

func cursorStandsStill(t *testing.T, p Place) {
	b := open(t, p)
	defer b.Close()
	for i := range 100 {
		apply(t, b, set(fmt.Sprintf("%03d", i), "was"))
	}
	c, err := b.Scan(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for c.Next() {
		if string(c.Value()) != "was" || string(c.Key()) != fmt.Sprintf("%03d", n) {
			t.Fatalf("the cursor gives %q %q at %d", c.Key(), c.Value(), n)
		}
		apply(t, b, store.Change{Key: []byte(fmt.Sprintf("%03d", n+1))}, set(fmt.Sprintf("%03d", n+50), "is"), set(fmt.Sprintf("%03dx", n), "new"))
		n++
	}
	if err := c.Close(); err != nil || n != 100 {
		t.Fatalf("%d keys, %v", n, err)
	}
}

func changesInOrder(t *testing.T, p Place) {
	b := open(t, p)
	defer b.Close()
	apply(t, b, set("a", "0"), set("b", "0"), set("c", "0"), set("d", "0"))
	apply(t, b, set("a", "1"), store.Change{Key: []byte("a")}, set("a", "2"),
		store.Change{Key: []byte("b"), Below: []byte("d")}, set("c", "3"),
		set("e", "4"), store.Change{Key: []byte("e")})
	if got, want := scan(t, b, nil, nil), []string{"a=2", "c=3", "d=0"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	apply(t, b, store.Change{Key: []byte{0}, Below: []byte{0xff}}, set("f", ""))
	if got, want := scan(t, b, nil, nil), []string{"f="}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	holds(t, b, "f", "")
}

func valuesAreTheCallers(t *testing.T, p Place) {
	b := open(t, p)
	defer b.Close()
	c := set("k", "value")
	apply(t, b, c)
	c.Key[0], c.Value[0] = 'x', 'x' // the backend keeps nothing of a change
	got, _, err := b.Get([]byte("k"))
	if err != nil || string(got) != "value" {
		t.Fatalf("%q, %v", got, err)
	}
	got[0] = 'x'
	holds(t, b, "k", "value")
	large := bytes.Repeat([]byte{7}, store.MaxValue+1024)
	apply(t, b, set("large", string(large)))
	holds(t, b, "large", string(large))
}

// numbered is a batch that writes its number under several keys, far apart, with some weight.
func numbered(n int) []store.Change {
	var out []store.Change
	for _, k := range []string{"a", "m", "z"} {
		v := binary.BigEndian.AppendUint32(nil, uint32(n))
		out = append(out, store.Change{Key: []byte(k), Value: append(v, make([]byte, 3000)...)})
	}
	return append(out, set(fmt.Sprintf("n%06d", n), "n"))
}

func number(v []byte) int { return int(binary.BigEndian.Uint32(v)) }

func readersSeeWholeBatches(t *testing.T, p Place) {
	b := open(t, p)
	defer b.Close()
	apply(t, b, numbered(0)...)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := b.Scan(nil, nil)
				if err != nil {
					t.Error(err)
					return
				}
				seen := map[int]bool{}
				for c.Next() {
					if c.Key()[0] != 'n' {
						seen[number(c.Value())] = true
					}
				}
				if err := c.Close(); err != nil || len(seen) != 1 {
					t.Errorf("a reader sees the batches %v, %v", seen, err)
					return
				}
			}
		})
	}
	for n := range 500 {
		apply(t, b, numbered(n+1)...)
	}
	close(stop)
	readers.Wait()
}

func closeIsDurable(t *testing.T, p Place) {
	b := open(t, p)
	for n := range 20 {
		apply(t, b, numbered(n)...)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	p.Crash(1)
	if b = open(t, p); whole(t, b) != 20 {
		t.Errorf("%d batches of 20 after a clean stop", whole(t, b))
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func closedIsAnError(t *testing.T, p Place) {
	b := open(t, p)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, get := b.Get([]byte("k"))
	_, scan := b.Scan(nil, nil)
	for what, err := range map[string]error{"get": get, "scan": scan, "apply": b.Apply(nil), "close": b.Close()} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s of what is closed: %v", what, err)
		}
	}
}

// whole gives how many numbered batches are there, and fails when that is not a prefix of whole ones.
func whole(t *testing.T, b store.Backend) int {
	t.Helper()
	seen, count := map[int]bool{}, 0
	for _, kv := range scan(t, b, nil, nil) {
		key, v, _ := strings.Cut(kv, "=")
		if key[0] == 'n' {
			if key != fmt.Sprintf("n%06d", count) {
				t.Fatalf("batch %d is missing and %s is there", count, key)
			}
			count++
			continue
		}
		seen[number([]byte(v))] = true
	}
	if count == 0 && len(seen) == 0 {
		return 0
	}
	if len(seen) != 1 || !seen[count-1] {
		t.Fatalf("%d batches are there and the keys say %v", count, seen)
	}
	return count
}

func crashLeavesWholeBatches(t *testing.T, p Place) {
	from := 0
	for seed := range uint64(40) {
		b := open(t, p)
		if got := whole(t, b); got > from {
			t.Fatalf("%d batches after %d were applied", got, from)
		} else {
			from = got
		}
		done := make(chan struct{})
		go func() { // the power is cut while batches are applied
			defer close(done)
			for n := range 50 + int(seed*37%200) {
				if b.Apply(numbered(from+n)) != nil {
					return
				}
			}
		}()
		if seed%2 == 0 {
			<-done
		}
		p.Crash(seed)
		<-done
		from += 300
		_ = b.Close() // it is dead; what it says does not matter
	}
}
