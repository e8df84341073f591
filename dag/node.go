package dag

// none is the number of no delta.
const none = ^uint32(0)

// node is what a graph keeps in memory of one delta, in 80 bytes. Its number is its place in the order of admission, in which
// every delta comes after its past. N and seq are at most that number, so 32 bits hold them.
type node struct {
	id      ID
	ms      uint64
	place   place // of its record, once it is synced
	n       uint32
	seq     uint32
	prev    uint32
	chain   uint32 // in Graph.chains
	cred    uint32 // the genesis or the grant that it is written under
	grants  uint32 // the interned set of grants in its past, itself included
	link    uint32 // its place in Graph.heads while it is a head, else how many held deltas name it as prev or parent
	head    bool   // no held delta names it
	signed  bool   // a signature on it is held
	witness bool   // it reaches a signed one through prev, backwards from there
	local   bool   // written by this node, not received
}

// place packs a Place: the offset above placeBits bits of size, which hold the greatest record.
type place uint64

const placeBits = 20

func pack(p Place) place { return place(p.Offset)<<placeBits | place(p.Size) }

func (p place) unpack() Place {
	return Place{Offset: int64(p >> placeBits), Size: int(p & (1<<placeBits - 1))}
}

// nodes are held in chunks, so that growing moves nothing and wastes little.
type nodes struct {
	chunks [][]node
	count  int
}

const (
	chunkBits = 12
	chunkLen  = 1 << chunkBits
)

// node gives a delta by its number; what it points to moves only while the graph has less than a chunk, when one is added.
func (g *Graph) node(i uint32) *node { return &g.nodes.chunks[i>>chunkBits][i&(chunkLen-1)] }

func (t *nodes) push(nd *node) {
	c := t.count >> chunkBits
	if c == len(t.chunks) {
		size := chunkLen
		if c == 0 {
			size = 16
		}
		t.chunks = append(t.chunks, make([]node, 0, size))
	}
	t.chunks[c] = append(t.chunks[c], *nd)
	t.count++
}

func (t *nodes) pop() {
	t.count--
	c := t.count >> chunkBits
	if t.chunks[c] = t.chunks[c][:t.count&(chunkLen-1)]; len(t.chunks[c]) == 0 {
		t.chunks = t.chunks[:c]
	}
}
