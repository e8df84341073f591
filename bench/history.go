package bench

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/merograph/merograph/dag"
)

// A history is the deltas of one context in a causal order, the genesis first.
type history struct {
	ctx     dag.ID
	entries []*dag.Entry
	clock   []uint64 // ms of each
	at      map[dag.ID]int
}

// An author writes one chain of a history.
type author struct {
	signer dag.Signer
	chain  dag.ID
	last   int // its latest delta, -1 before the first
	seq    uint64
}

func signerOf(n int) dag.Signer {
	return dag.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(n)}, ed25519.SeedSize)))
}

// newHistory founds a context and grants n authors, who have written nothing yet.
func newHistory(n int) (*history, []*author, error) {
	h := &history{at: map[dag.ID]int{}}
	authors := make([]*author, n)
	var grant dag.Grant
	for i := range authors {
		authors[i] = &author{signer: signerOf(i + 1), last: -1}
		grant.Keys = append(grant.Keys, authors[i].signer.Public())
	}
	payload, err := grant.Encode()
	if err != nil {
		return nil, nil, err
	}
	founder := signerOf(0)
	d := &dag.Delta{
		Version: dag.Version1, Author: founder.Public(), Nonce: make([]byte, dag.NonceLen), Ms: 1_700_000_000_000,
		Wall: 1_700_000_000_000, Kind: dag.KindGenesis, Payload: payload,
	}
	if err := h.append(d); err != nil {
		return nil, nil, err
	}
	h.ctx = h.entries[0].ID
	return h, authors, h.sign(founder, h.entries[0])
}

func (h *history) append(d *dag.Delta) error {
	e, err := dag.NewEntry(d.Encode(), nil)
	if err != nil {
		return err
	}
	h.at[e.ID] = len(h.entries)
	h.entries = append(h.entries, e)
	h.clock = append(h.clock, d.Ms)
	return nil
}

func (h *history) sign(s dag.Signer, e *dag.Entry) (err error) {
	e.Sig, err = s.Sign(dag.SignedMessage(e.ID))
	return err
}

// write adds a delta of an author on the given deltas, named by their places, and on its own last one. Every 256th of its
// chain is signed.
func (h *history) write(a *author, parents []int, payload []byte) (int, error) {
	d := &dag.Delta{Version: dag.Version1, Context: h.ctx, Author: a.signer.Public(), Credential: h.ctx, Kind: dag.KindData, Payload: payload}
	past := slices.DeleteFunc(slices.Clone(parents), func(p int) bool { return p == a.last })
	if a.last < 0 {
		d.Nonce = make([]byte, dag.NonceLen)
		if len(past) == 0 {
			past = []int{0}
		}
	} else {
		d.Prev, d.Chain, d.Seq, d.Ms = h.entries[a.last].ID, a.chain, a.seq, h.clock[a.last]
	}
	for _, p := range past {
		d.Parents = append(d.Parents, h.entries[p].ID)
		d.Ms = max(d.Ms, h.clock[p])
	}
	slices.SortFunc(d.Parents, dag.ID.Compare)
	d.Ms++
	d.Wall = int64(d.Ms)
	if err := h.append(d); err != nil {
		return 0, err
	}
	at := len(h.entries) - 1
	e := h.entries[at]
	if a.last < 0 {
		a.chain = e.ID
	}
	a.last = at
	if a.seq++; a.seq%dag.MaxRun == 0 {
		return at, h.sign(a.signer, e)
	}
	return at, nil
}

// finish signs what ends each chain.
func (h *history) finish(authors []*author) (*history, error) {
	for _, a := range authors {
		if a.last >= 0 {
			if err := h.sign(a.signer, h.entries[a.last]); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}

// payload of a delta that was made up: as long as a keystroke's.
func payload(n int) []byte { return []byte(fmt.Sprintf("key%09d", n)) }

// line is one author alone; merge is writers who each write 64 deltas at a time without the others, and then one that
// joins them.
func line(n int) (*history, error) {
	h, authors, err := newHistory(1)
	for i := 0; i < n && err == nil; i++ {
		_, err = h.write(authors[0], nil, payload(i))
	}
	if err != nil {
		return nil, err
	}
	return h.finish(authors)
}

func merge(n, writers int) (*history, error) {
	h, authors, err := newHistory(writers)
	join := []int(nil)
	for i := 0; i < n && err == nil; {
		for _, a := range authors {
			for k := 0; k < 64 && err == nil; k++ {
				on := join
				if k > 0 {
					on = nil
				}
				_, err = h.write(a, on, payload(i))
				i++
			}
		}
		if err != nil {
			break
		}
		tips := make([]int, 0, writers)
		for _, a := range authors {
			tips = append(tips, a.last)
		}
		var at int
		at, err = h.write(authors[0], tips, payload(i))
		join = []int{at}
		i++
	}
	if err != nil {
		return nil, err
	}
	return h.finish(authors)
}

// tracePath is the recorded session; it is not part of the tree.
func tracePath() string {
	if p := os.Getenv("BENCH_TRACE"); p != "" {
		return p
	}
	return "../../shared/data/editing-traces/friendsforever.json.gz"
}

var errNoTrace = errors.New("the recorded session is not here; set BENCH_TRACE to friendsforever.json.gz of josephg/editing-traces")

// A recording is a recorded session: transactions in an order in which parents come first.
type recording struct {
	NumAgents int
	Txns      []struct {
		Parents []int
		Agent   int
		Patches json.RawMessage // of [position, deleted, inserted]
	}
}

func record(path string) (*recording, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, errNoTrace)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	trace := new(recording)
	return trace, json.NewDecoder(z).Decode(trace)
}

// session turns the recorded session into a history: a delta for each transaction, of its patches as JSON.
func session(path string) (*history, error) {
	trace, err := record(path)
	if err != nil {
		return nil, err
	}
	h, authors, err := newHistory(trace.NumAgents)
	if err != nil {
		return nil, err
	}
	for _, t := range trace.Txns {
		parents := make([]int, len(t.Parents))
		for i, p := range t.Parents {
			parents[i] = p + 1 // after the genesis
		}
		if _, err := h.write(authors[t.Agent], parents, t.Patches); err != nil {
			return nil, err
		}
	}
	return h.finish(authors)
}

// reversed gives the entries from the last to the first.
func (h *history) reversed() []*dag.Entry {
	out := slices.Clone(h.entries)
	slices.Reverse(out)
	return out
}

// shuffled gives the entries in an order of the seed.
func (h *history) shuffled(seed uint64) []*dag.Entry {
	out := slices.Clone(h.entries)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
