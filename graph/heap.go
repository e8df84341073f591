package graph

// heaped is an element of a heap: it has a total order and knows its place.
type heaped[T any] interface {
	before(T) bool
	place(i int)
}

// heapOf is a binary heap of elements that know their place, so that any of them can be removed.
type heapOf[T heaped[T]] []T

func (h *heapOf[T]) push(v T) {
	*h = append(*h, v)
	v.place(len(*h) - 1)
	h.up(len(*h) - 1)
}

func (h *heapOf[T]) remove(i int) T {
	s := *h
	v, last := s[i], len(s)-1
	s[i] = s[last]
	s[i].place(i)
	var zero T
	s[last] = zero
	*h = s[:last]
	if i < last {
		if !h.down(i) {
			h.up(i)
		}
	}
	v.place(-1)
	return v
}

func (h heapOf[T]) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !h[i].before(h[p]) {
			return
		}
		h.swap(i, p)
		i = p
	}
}

func (h heapOf[T]) down(i int) (moved bool) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return moved
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			return moved
		}
		h.swap(i, c)
		i, moved = c, true
	}
}

func (h heapOf[T]) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place(i)
	h[j].place(j)
}
