package graph

import (
	"cmp"
	"slices"
)

// A View is an immutable snapshot of a table, in key order. The zero View is empty.
//
// A small one is a page. A large one is pages in a row, which it shares with the view before it but for those that have
// changed, so that a snapshot after each change costs little in a table of thousands of rows.
type View[K cmp.Ordered, V any] struct {
	page[K, V]
	book *book[K, V] // nil when page is all of it
}

// A page is some rows with their keys, in key order.
type page[K cmp.Ordered, V any] struct {
	keys []K
	rows []V
}

// A book is pages in key order, none of them empty.
type book[K cmp.Ordered, V any] struct {
	pages  []*page[K, V]
	starts []int // by page: how many rows come before it
	rows   int
}

// pageMost is how many rows a page has at most.
const pageMost = 64

// ViewOf makes a view of rows, for a node that binds one and for tests.
func ViewOf[K cmp.Ordered, V any](key func(V) K, rows ...V) View[K, V] {
	in := &Instance{}
	t := newRows(in, &table{capacity: len(rows)}, key)
	for _, v := range rows {
		_ = t.Put(v, Forever)
	}
	return t.View()
}

// Len is the number of rows.
func (v View[K, V]) Len() int {
	if v.book != nil {
		return v.book.rows
	}
	return len(v.rows)
}

// At is the i-th row in key order.
func (v View[K, V]) At(i int) V {
	if v.book == nil {
		return v.rows[i]
	}
	p, i := v.book.place(i)
	return p.rows[i]
}

// Key is the i-th key.
func (v View[K, V]) Key(i int) K {
	if v.book == nil {
		return v.keys[i]
	}
	p, i := v.book.place(i)
	return p.keys[i]
}

// place gives the page of the i-th row, and where it is there.
func (b *book[K, V]) place(i int) (*page[K, V], int) {
	n, found := find(b.starts, i)
	if !found {
		n--
	}
	return b.pages[n], i - b.starts[n]
}

// Get finds a row by its key.
func (v View[K, V]) Get(k K) (row V, ok bool) {
	p := v.page
	if v.book != nil {
		n, found := slices.BinarySearchFunc(v.book.pages, k, func(p *page[K, V], k K) int { return cmp.Compare(p.keys[0], k) })
		if !found {
			n = max(0, n-1)
		}
		p = *v.book.pages[n]
	}
	if i, found := find(p.keys, k); found {
		return p.rows[i], true
	}
	return row, false
}

// All gives the rows in key order. The caller owns the slice.
func (v View[K, V]) All() []V {
	if v.book == nil {
		return append([]V(nil), v.rows...)
	}
	all := make([]V, 0, v.book.rows)
	for _, p := range v.book.pages {
		all = append(all, p.rows...)
	}
	return all
}

// renew gives the view of size rows that differs from v at some keys, which are in order.
func (v View[K, V]) renew(keys []K, size int, get func(K) (V, bool)) View[K, V] {
	if v.book == nil && size <= pageMost {
		return View[K, V]{page: v.page.renew(keys, get)}
	}
	var was []*page[K, V]
	if v.book != nil {
		was = v.book.pages
	} else {
		first := v.page
		was = []*page[K, V]{&first}
	}
	b := &book[K, V]{pages: make([]*page[K, V], 0, len(was)+2+len(keys)/pageMost)}
	for i, p := range was {
		n := len(keys)
		if i+1 < len(was) {
			n, _ = find(keys, was[i+1].keys[0])
		}
		if n == 0 && len(p.keys) > 0 {
			b.pages = append(b.pages, p)
			continue
		}
		b.add(p.renew(keys[:n], get))
		keys = keys[n:]
	}
	if len(b.pages) == 0 {
		return View[K, V]{}
	}
	if len(b.pages) == 1 {
		return View[K, V]{page: *b.pages[0]}
	}
	b.starts = make([]int, len(b.pages))
	for i, p := range b.pages {
		b.starts[i] = b.rows
		b.rows += len(p.keys)
	}
	return View[K, V]{book: b}
}

// add adds a page that has changed: with the one before it when both are small, in parts when it is too large.
func (b *book[K, V]) add(p page[K, V]) {
	n := len(p.keys)
	if n == 0 {
		return
	}
	if last := len(b.pages) - 1; last >= 0 && len(b.pages[last].keys)+n <= pageMost/2 {
		o := b.pages[last]
		b.pages[last] = &page[K, V]{slices.Concat(o.keys, p.keys), slices.Concat(o.rows, p.rows)}
		return
	}
	parts := (n + pageMost - 1) / pageMost
	for i := range parts {
		from, to := i*n/parts, (i+1)*n/parts
		b.pages = append(b.pages, &page[K, V]{p.keys[from:to:to], p.rows[from:to:to]})
	}
}

// renew is the page with what get gives for the keys, which are in order.
func (p page[K, V]) renew(keys []K, get func(K) (V, bool)) page[K, V] {
	is := page[K, V]{make([]K, 0, len(p.keys)+len(keys)), make([]V, 0, len(p.keys)+len(keys))}
	at := 0
	for _, k := range keys {
		n, found := find(p.keys[at:], k)
		is.keys, is.rows = append(is.keys, p.keys[at:at+n]...), append(is.rows, p.rows[at:at+n]...)
		if at += n; found {
			at++
		}
		if v, ok := get(k); ok {
			is.keys, is.rows = append(is.keys, k), append(is.rows, v)
		}
	}
	is.keys, is.rows = append(is.keys, p.keys[at:]...), append(is.rows, p.rows[at:]...)
	return is
}

func find[K cmp.Ordered](keys []K, k K) (int, bool) { return slices.BinarySearch(keys, k) }
