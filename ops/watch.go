package ops

import "github.com/merograph/merograph/graph"

// A Tally is how often something came.
type Tally struct {
	Name string
	N    uint64
}

func (t Tally) key() string { return t.Name }

// Tallies declares a table of up to capacity counts by name, published to the node: graph.FeedOf[string, Tally](inst, name).
func Tallies(r *graph.Role, name string, capacity int) *graph.TableOf[string, Tally] {
	t := graph.Table(r, name, Tally.key, graph.Capacity(capacity))
	t.Expose()
	return t
}

// Count counts the values of a wire under a name, and gives them on. A tick that fails has counted nothing. Its failure port
// carries busy when there are as many names as the tallies have room for.
func Count[T any](w graph.Wire[T], t *graph.TableOf[string, Tally], name string) graph.Wire[T] {
	return countBy("count "+name, w, t, func(T) string { return name })
}

// CountBy is Count under a name that the value says.
func CountBy[T any](w graph.Wire[T], t *graph.TableOf[string, Tally], name func(T) string) graph.Wire[T] {
	return countBy("count", w, t, name)
}

func countBy[T any](op string, w graph.Wire[T], t *graph.TableOf[string, Tally], name func(T) string) graph.Wire[T] {
	return graph.Op2(parts, op, 1, func(_ *graph.Tick, v T, t *graph.Rows[string, Tally]) (T, error) {
		had, _ := t.Get(name(v))
		return v, t.Put(Tally{name(v), had.N + 1}, graph.Forever)
	})(w, t)
}

// A Line is one line of a Journal.
type Line struct {
	Wall   int64      // the calendar, in nanoseconds since 1970
	Sender graph.Peer // who began the activation; nobody for the node's own
	Text   string
}

// An Entry is a line with its number; the numbers of an instance begin with 1 and leave none out, so a reader of the feed
// sees what it missed.
type Entry = numbered[Line]

// A Journal is the newest lines that an instance has logged.
type Journal struct{ lines numbering[Line] }

// NewJournal declares a journal of the newest lines, published to the node: graph.FeedOf[uint64, ops.Entry](inst, name). The
// node writes them where it likes: the graph does no I/O.
func NewJournal(r *graph.Role, name string, lines int) Journal {
	j := Journal{newNumbering[Line](r, name, graph.Capacity(lines), graph.EvictOldest())}
	j.lines.rows.Expose()
	return j
}

// Log writes a line of each value into a journal, and gives the value on. The oldest line makes room. A tick that fails has
// logged nothing.
func Log[T any](w graph.Wire[T], j Journal, line func(T) string) graph.Wire[T] {
	return graph.Op3(parts, "log", 1, func(x *graph.Tick, v T, t *graph.Rows[uint64, Entry], last *graph.One[uint64]) (T, error) {
		_, err := push(t, last, Line{x.Wall().UnixNano(), x.Sender(), line(v)}, graph.Forever)
		return v, err
	})(w, j.lines.rows, j.lines.last)
}
