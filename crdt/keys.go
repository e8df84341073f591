package crdt

import (
	"iter"
	"slices"
	"strings"
)

// maxChunk is how many keys a chunk of sortedKeys holds before it is split.
const maxChunk = 512

// sortedKeys is an ordered set of keys: sorted chunks in a sorted list. The zero value is empty.
type sortedKeys struct {
	chunks [][]string // none is empty
	count  int
}

// chunk is the index of the chunk where key is or would go; 0 when there is none.
func (s *sortedKeys) chunk(key string) int {
	i, found := slices.BinarySearchFunc(s.chunks, key, func(c []string, k string) int { return strings.Compare(c[0], k) })
	if !found && i > 0 {
		i--
	}
	return i
}

func (s *sortedKeys) add(key string) {
	if len(s.chunks) == 0 {
		s.chunks = [][]string{{key}}
		s.count = 1
		return
	}
	c := s.chunk(key)
	at, found := slices.BinarySearch(s.chunks[c], key)
	if found {
		return
	}
	s.count++
	keys := slices.Insert(s.chunks[c], at, key)
	s.chunks[c] = keys
	if len(keys) > maxChunk {
		half := len(keys) / 2
		s.chunks = slices.Insert(s.chunks, c+1, slices.Clone(keys[half:]))
		s.chunks[c] = slices.Clone(keys[:half])
	}
}

func (s *sortedKeys) remove(key string) {
	if len(s.chunks) == 0 {
		return
	}
	c := s.chunk(key)
	at, found := slices.BinarySearch(s.chunks[c], key)
	if !found {
		return
	}
	s.count--
	s.chunks[c] = slices.Delete(s.chunks[c], at, at+1)
	if len(s.chunks[c]) == 0 {
		s.chunks = slices.Delete(s.chunks, c, c+1)
	}
}

// from gives the keys that are not less than key, in order.
func (s *sortedKeys) from(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for c := s.chunk(key); c < len(s.chunks); c++ {
			at, _ := slices.BinarySearch(s.chunks[c], key)
			for _, k := range s.chunks[c][at:] {
				if !yield(k) {
					return
				}
			}
		}
	}
}
